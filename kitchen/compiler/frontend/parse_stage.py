"""Stage steps, and the parts that other steps have too."""

from __future__ import annotations

from kitchen.compiler.frontend.parse_annotations import parse_annotations
from kitchen.compiler.frontend.report import Report, fault, short
from kitchen.compiler.frontend.shapes import Fields, mapping, name, scalar, what
from kitchen.compiler.frontend.syntax import Mapping, Node, Scalar, Sequence, StageStep
from kitchen.ir.source import Span


def parse_stage(found: Fields, span: Span, report: Report) -> StageStep | None:
    stage = scalar(*found["stage"], report)
    as_: tuple[Scalar, ...] = ()
    as_named: tuple[tuple[Scalar, Scalar], ...] = ()
    if "as" in found:
        key, node = found["as"]
        if isinstance(node, Mapping):
            as_named = renamed(node, report)
        elif isinstance(node, Sequence):
            as_ = tuple(item for item in node.items if _named(key, item, report))  # type: ignore[misc]
        elif _named(key, node, report):
            as_ = (node,)
    if stage is None:
        return None
    return StageStep(
        stage=stage,
        inputs=_inputs(found, report),
        with_=settings(found, report),
        as_=as_,
        as_named=as_named,
        when=expression(found, "when", report),
        annotations=parse_annotations(found, report),
        span=span,
    )


def _named(key: Scalar, node: Node, report: Report) -> bool:
    found = scalar(key, node, report, "a name")
    return found is not None and name(found, "a value", report)


def _inputs(found: Fields, report: Report) -> tuple[tuple[Scalar, Scalar], ...]:
    if "in" not in found:
        return ()
    node = mapping(found["in"][1], "`in`", report, help="write `in: {input: value}`")
    inputs: list[tuple[Scalar, Scalar]] = []
    for key, value in node.items if node is not None else ():
        source = scalar(key, value, report)
        if source is None:
            continue
        if not source.text.isidentifier():
            help = "write the name alone; expressions stand under `with:`"
            message = f"an input takes the name of a value, not `{short(source.text)}`"
            report(fault("K022", message, source.span, "not a name", help=help))
            continue
        inputs.append((key, source))
    return tuple(inputs)


def renamed(node: Mapping, report: Report) -> tuple[tuple[Scalar, Scalar], ...]:
    """What `as: {output: name}` says."""
    return tuple(
        (output, value)
        for output, value in node.items
        if _named(output, value, report) and isinstance(value, Scalar)
    )


def settings(found: Fields, report: Report) -> tuple[tuple[Scalar, Node], ...]:
    if "with" not in found:
        return ()
    help = "write `with: {setting: value}`"
    node = mapping(found["with"][1], "`with`", report, help=help)
    return () if node is None else node.items


def expression(found: Fields, key: str, report: Report) -> Scalar | None:
    """The expression under a key, if there is one."""
    if key not in found:
        return None
    at, node = found[key]
    if isinstance(node, Scalar):
        return scalar(at, node, report)
    message = f"`{key}` is an expression"
    help = "put an expression with brackets in quotes"
    report(fault("K022", message, node.span, what(node), help=help))
    return None
