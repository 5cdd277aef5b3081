"""Steps: which kind each one is, and its parts."""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import replace

from kitchen.compiler.frontend.parse_annotations import ANNOTATIONS
from kitchen.compiler.frontend.parse_stage import expression, parse_stage, renamed, settings
from kitchen.compiler.frontend.report import Report, fault, quoted
from kitchen.compiler.frontend.shapes import Fields, fields, mapping, name, scalar, sequence
from kitchen.compiler.frontend.syntax import (
    IfStep,
    LoopStep,
    Mapping,
    MapStep,
    Node,
    Scalar,
    Step,
    WorkflowStep,
)
from kitchen.ir.diagnostic import Diagnostic, closest
from kitchen.ir.source import Span

_KEYS: Table[str, tuple[str, ...]] = {
    "stage": ("stage", "as", "in", "with", "when", *ANNOTATIONS),
    "loop": ("loop", "over", "while", "until", "max", "checkpoint", "when", "steps"),
    "map": ("map", "over", "max_parallel", "when", "steps"),
    "if": ("if", "then", "else"),
    "workflow": ("workflow", "with", "as", "when"),
}
_REQUIRED: Table[str, tuple[str, ...]] = {
    "stage": (),
    "loop": ("steps",),
    "map": ("over", "steps"),
    "if": ("then",),
    "workflow": (),
}
_HELP: Table[str, str] = {
    "stage": "settings of a stage stand under `with:`, its inputs under `in:`",
    "workflow": "parameters of a workflow stand under `with:`",
}


def parse_steps(node: Node, subject: str, report: Report) -> tuple[Step, ...]:
    """The steps of a list, in order; those that cannot be read are reported and left out."""
    steps = (parse_step(item, report) for item in sequence(node, subject, report))
    return tuple(step for step in steps if step is not None)


def parse_step(node: Node, report: Report) -> Step | None:
    """One step."""
    step = mapping(node, "a step", report)
    if step is None:
        return None
    kinds = [key for key, _ in step.items if key.text in _KEYS]
    guess = None if kinds else _meant(step)
    if len(kinds) != 1:
        report(_kind_fault(step, kinds, guess))
    if len(kinds) > 1 or (guess is None and not kinds):
        return None
    kind = kinds[0].text if guess is None else guess[1]
    step = step if guess is None else _respelled(step, *guess)
    subject = f"an `{kind}` step" if kind == "if" else f"a `{kind}` step"
    found = fields(
        step, _KEYS[kind], subject, report, required=_REQUIRED[kind], help=_HELP.get(kind)
    )
    match kind:
        case "stage":
            return parse_stage(found, step.span, report)
        case "loop":
            return _loop(found, step.span, report)
        case "map":
            return _map(found, step.span, report)
        case "if":
            return _if(found, step.span, report)
    return _workflow(found, step.span, report)


def _meant(step: Mapping) -> tuple[Scalar, str] | None:
    """The key that was most likely meant to say the kind of a step, and that kind."""
    guesses = ((key, closest(key.text, _KEYS)) for key, _ in step.items)
    return next(((key, meant) for key, meant in guesses if meant is not None), None)


def _respelled(step: Mapping, misspelled: Scalar, meant: str) -> Mapping:
    """The step as it was meant, so that what it makes is known and nothing else is said of it."""
    items = (
        (replace(key, text=meant) if key is misspelled else key, value) for key, value in step.items
    )
    return replace(step, items=tuple(items))


def _kind_fault(node: Mapping, kinds: list[Scalar], guess: tuple[Scalar, str] | None) -> Diagnostic:
    if kinds:
        both = [kind.text for kind in kinds[:2]]
        message = f"a step has one kind, this one has {quoted(both, 'and')}"
        also = [(kinds[0].span, "the first one")]
        help = "write two steps"
        return fault("K023", message, kinds[1].span, "a second kind", also=also, help=help)
    at = node.items[0][0].span if node.items else node.span
    message = f"a step is one of {quoted(_KEYS)}"
    if guess is None:
        return fault("K023", message, at, "this step is none")
    cure = f"did you mean `{guess[1]}`?"
    return fault("K023", message, guess[0].span, "this step is none", help=cure)


def _region(found: Fields, key: str, report: Report) -> tuple[Step, ...]:
    return parse_steps(found[key][1], f"`{key}`", report) if key in found else ()


def _loop(found: Fields, span: Span, report: Report) -> LoopStep | None:
    variable = _variable(found, "loop", report)
    parts = _expressions(found, ("over", "while", "until", "max", "checkpoint", "when"), report)
    steps = _region(found, "steps", report)
    if variable is None:
        return None
    return LoopStep(
        variable=variable,
        over=parts["over"],
        while_=parts["while"],
        until=parts["until"],
        max=parts["max"],
        checkpoint=parts["checkpoint"],
        when=parts["when"],
        steps=steps,
        span=span,
    )


def _map(found: Fields, span: Span, report: Report) -> MapStep | None:
    variable = _variable(found, "map", report)
    parts = _expressions(found, ("over", "max_parallel", "when"), report)
    steps = _region(found, "steps", report)
    over = parts["over"]
    if variable is None or over is None:
        return None
    return MapStep(
        variable=variable,
        over=over,
        max_parallel=parts["max_parallel"],
        when=parts["when"],
        steps=steps,
        span=span,
    )


def _variable(found: Fields, kind: str, report: Report) -> Scalar | None:
    """The name of what goes round."""
    variable = scalar(*found[kind], report)
    if variable is not None:
        name(variable, "a loop variable", report)
    return variable


def _expressions(found: Fields, keys: tuple[str, ...], report: Report) -> dict[str, Scalar | None]:
    return {key: expression(found, key, report) for key in keys}


def _if(found: Fields, span: Span, report: Report) -> IfStep | None:
    condition = expression(found, "if", report)
    then = _region(found, "then", report)
    orelse = _region(found, "else", report)
    if condition is None:
        return None
    return IfStep(condition=condition, then=then, orelse=orelse, span=span)


def _workflow(found: Fields, span: Span, report: Report) -> WorkflowStep | None:
    workflow = scalar(*found["workflow"], report)
    as_named: tuple[tuple[Scalar, Scalar], ...] = ()
    if "as" in found:
        help = "write `as: {name inside: name outside}`"
        node = mapping(found["as"][1], "`as` of a `workflow` step", report, help=help)
        as_named = () if node is None else renamed(node, report)
    with_ = settings(found, report)
    when = expression(found, "when", report)
    if workflow is None:
        return None
    return WorkflowStep(workflow=workflow, with_=with_, as_named=as_named, when=when, span=span)
