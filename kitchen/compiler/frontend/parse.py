"""Documents to recipes and templates, with everything that deviates reported at once."""

from __future__ import annotations

from kitchen.compiler.frontend.parse_declarations import parse_declarations
from kitchen.compiler.frontend.parse_deployment import parse_deployment
from kitchen.compiler.frontend.parse_steps import parse_steps
from kitchen.compiler.frontend.reader import paused_collection, read
from kitchen.compiler.frontend.report import Report, fault
from kitchen.compiler.frontend.shapes import Fields, fields, mapping, scalar, word
from kitchen.compiler.frontend.syntax import AdapterBinding, Mapping, Node, Recipe, Scalar, Template
from kitchen.ir.diagnostic import Diagnostic, closest
from kitchen.ir.source import Source, Span

VERSION = "1"

#: What each kind of document may have, and what it must.
_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "recipe": (
        ("kitchen", "recipe", "workflow", "params", "adapters", "schedule", "targets"),
        ("recipe", "workflow"),
    ),
    "template": (
        ("kitchen", "workflow", "doc", "params", "steps", "finally", "on_failure"),
        ("workflow", "steps"),
    ),
}


def parse_recipe(source: Source) -> tuple[Recipe | None, tuple[Diagnostic, ...]]:
    """The recipe a source holds, or None and why."""
    root, found, diagnostics = _document(source, "recipe")
    report = diagnostics.append
    if root is None or found is None:
        return None, tuple(diagnostics)
    name = scalar(*found["recipe"], report) if "recipe" in found else None
    workflow = scalar(*found["workflow"], report) if "workflow" in found else None
    params = mapping(found["params"][1], "`params`", report) if "params" in found else None
    adapters = _adapters(found, report)
    deployment = parse_deployment(found, report)
    if name is None or workflow is None:
        return None, tuple(diagnostics)
    recipe = Recipe(
        name=word(name, "a recipe", report),
        workflow=workflow,
        params=() if params is None else params.items,
        adapters=adapters,
        deployment=deployment,
        span=root.span,
    )
    return recipe, tuple(diagnostics)


def parse_template(source: Source) -> tuple[Template | None, tuple[Diagnostic, ...]]:
    """The workflow template a source holds, or None and why."""
    with paused_collection():
        root, found, diagnostics = _document(source, "template")
        report = diagnostics.append
        if root is None or found is None:
            return None, tuple(diagnostics)
        name = scalar(*found["workflow"], report) if "workflow" in found else None
        doc = scalar(*found["doc"], report) if "doc" in found else None
        regions = {
            key: parse_steps(found[key][1], f"`{key}`", report) if key in found else ()
            for key in ("steps", "finally", "on_failure")
        }
        params = parse_declarations(found["params"][1], report) if "params" in found else ()
        if name is None:
            return None, tuple(diagnostics)
        template = Template(
            name=word(name, "a workflow", report),
            doc="" if doc is None else doc.text,
            params=params,
            steps=regions["steps"],
            finally_=regions["finally"],
            on_failure=regions["on_failure"],
            span=name.span,
            params_span=found["params"][0].span if "params" in found else None,
        )
        return template, tuple(diagnostics)


def _document(source: Source, kind: str) -> tuple[Mapping | None, Fields | None, list[Diagnostic]]:
    """The keys of a document of one kind; its version and kind are checked first."""
    node, found = read(source)
    diagnostics = list(found)
    if node is None:
        return None, None, diagnostics
    root = mapping(node, f"a {kind}", diagnostics.append)
    if root is None or not _right_kind(root, kind, diagnostics.append):
        return None, None, diagnostics
    _check_version(root, diagnostics.append)
    allowed, required = _KEYS[kind]
    keys = fields(root, allowed, f"a {kind}", diagnostics.append, required=required)
    return root, keys, diagnostics


def _right_kind(root: Mapping, kind: str, report: Report) -> bool:
    """Whether a document is not one of the other kind."""
    keys = {key.text: key for key, _ in root.items}
    if kind == "recipe" and "recipe" not in keys and "steps" in keys:
        message = "this is a workflow template, where a recipe is wanted"
        help = "name it in a recipe: `recipe: NAME` and `workflow: ./this-file.yaml`"
        report(fault("K012", message, keys["steps"].span, "templates have steps", help=help))
        return False
    if kind == "template" and "recipe" in keys:
        message = "this is a recipe, where a workflow template is wanted"
        help = "name a shipped workflow, or a file with `workflow:` and `steps:`"
        report(fault("K012", message, keys["recipe"].span, "recipes have a name", help=help))
        return False
    return True


def _check_version(root: Mapping, report: Report) -> None:
    node = root.get("kitchen")
    if node is None and any(closest(key.text, ["kitchen"]) for key, _ in root.items):
        return  # misspelled, which is reported
    if node is None:
        at = root.items[0][0].span if root.items else root.span
        message = "the document does not say which version of the language it is in"
        report(fault("K013", message, at, help="start it with `kitchen: 1`"))
    elif not isinstance(node, Scalar) or node.text != VERSION:
        written = node.text if isinstance(node, Scalar) else "..."
        message = f"this kitchen reads version {VERSION} of the language, not `{written}`"
        report(fault("K013", message, node.span, help=f"write `kitchen: {VERSION}`"))


def _adapters(found: Fields, report: Report) -> tuple[AdapterBinding, ...]:
    if "adapters" not in found:
        return ()
    node = mapping(found["adapters"][1], "`adapters`", report)
    bindings = (_binding(port, value, report) for port, value in (node.items if node else ()))
    return tuple(binding for binding in bindings if binding is not None)


def _binding(port: Scalar, node: Node, report: Report) -> AdapterBinding | None:
    """`PORT: ADAPTER` or `PORT: {use: ADAPTER, key: value}`."""
    span = Span(port.span.source, port.span.start, node.span.end)
    if not isinstance(node, Mapping):
        adapter = scalar(port, node, report, f"the adapter of `{port.text}`")
        if adapter is None:
            return None
        return AdapterBinding(port=port, adapter=adapter, span=span)
    uses = [(key, value) for key, value in node.items if key.text == "use"]
    if not uses:
        message = f"the adapter of `{port.text}` is not named"
        help = f"write `{port.text}: {{use: ADAPTER, ...}}`"
        report(fault("K021", message, port.span, "no `use` here", help=help))
        return None
    adapter = scalar(*uses[0], report)
    if adapter is None:
        return None
    config = tuple(item for item in node.items if item[0].text != "use")
    return AdapterBinding(port=port, adapter=adapter, config=config, span=span)
