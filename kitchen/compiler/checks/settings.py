"""Settings: what stands under `with:`, against what the stage declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kitchen.compiler.checks.places import (
    Producers,
    expression_span,
    key_of,
    place,
    places,
    stages,
)
from kitchen.compiler.checks.ruled_out import ruled_out
from kitchen.ir.diagnostic import Diagnostic, Label, closest, did_you_mean
from kitchen.ir.expr import Const, EvaluationError, Expr, Ref, Value, evaluate, refs
from kitchen.ir.fit import Why, described, misfit, shown
from kitchen.ir.program import Parameter, Program, Stage
from kitchen.ir.spec import Registry, Setting, StageSpec
from kitchen.ir.types import Kind, accepts

Parameters = Mapping[Value, Parameter]

_CODES = {Why.TYPE: "K221", Why.RANGE: "K222", Why.CHOICE: "K222", Why.INFINITE: "K223"}
_OF_TYPES = ("K202", "K221")


def stage_settings(program: Program, registry: Registry) -> Iterator[Diagnostic]:
    """Report settings that the stage does not have, must have, or does not take.

    In a step that the parameters rule out, a value is out of no range: only its type is judged.
    """
    parameters = {param.value: param for param in program.params}
    producers = Producers(program)
    never = ruled_out(program)
    for op in stages(program):
        spec = registry.stages.get(op.stage)
        if spec is None:
            continue
        given = dict(op.config)
        missing = []
        for setting in spec.config:
            if setting.name in given:
                expr = given.pop(setting.name)
                fault = _judged(op, setting, expr, parameters, producers)
                if fault is not None and (op.name not in never or fault.code in _OF_TYPES):
                    yield fault
            elif setting.required:
                missing.append(setting)
        meant = {closest(name, [setting.name for setting in spec.config]) for name in given}
        for name, expr in given.items():
            yield _unknown(op, spec, name, expr)
        for setting in missing:
            if setting.name not in meant:
                yield _missing(op, setting)


def _judged(
    op: Stage, setting: Setting, expr: Expr, parameters: Parameters, producers: Producers
) -> Diagnostic | None:
    """What is wrong with a setting: with its value where that is known now, else with its type."""
    read = () if isinstance(expr, Const) else tuple(refs(expr))
    if expr.type.kind is Kind.UNKNOWN or any(ref.type.kind is Kind.UNKNOWN for ref in read):
        return None
    if all(ref.value in parameters for ref in read):
        return _known(op, setting, expr, parameters)
    return None if accepts(setting.type, expr.type) else _wrong_type(op, setting, expr, producers)


def _known(op: Stage, setting: Setting, expr: Expr, parameters: Parameters) -> Diagnostic | None:
    try:
        value = evaluate(expr, lambda value: parameters[value].setting)
    except EvaluationError as cause:
        here = place(expression_span(expr, op.span), "computed here")
        message = f"{_subject(op, setting)} cannot be computed: {cause}"
        return Diagnostic("K224", message, here, _set_in(expr, parameters))
    wrong = misfit(setting, value)
    if wrong is None:
        return None
    at = expression_span(expr, op.span)
    labels = places(place(at, wrong.given), *_set_in(expr, parameters))
    param = parameters[expr.value] if isinstance(expr, Ref) else None
    if param is not None and param.span is not None:  # the recipe is at fault, not the template
        here = place(at, f"goes into `{setting.name}` here")
        labels = places(place(param.span, wrong.given), here)
    message = f"{_subject(op, setting)} is {wrong.wanted}, not {wrong.instead}"
    primary = labels[0] if labels else None
    return Diagnostic(_CODES[wrong.why], message, primary, labels[1:], wrong.help)


def _subject(op: Stage, setting: Setting) -> str:
    return f"`{setting.name}` of `{op.stage}`"


def _set_in(expr: Expr, parameters: Parameters) -> tuple[Label, ...]:
    """Where the parameters that an expression reads get their values."""
    found = {ref.value: parameters[ref.value] for ref in refs(expr)}
    return places(
        *(
            place(param.span or param.declared, f"`{value.name}` is {shown(param.setting)}")
            for value, param in found.items()
        )
    )


def _wrong_type(op: Stage, setting: Setting, expr: Expr, producers: Producers) -> Diagnostic:
    absent = accepts(setting.type, expr.type.required)
    name = expr.value.name if isinstance(expr, Ref) else "value"
    return Diagnostic(
        "K202" if absent else "K221",
        f"`{setting.name}` of `{op.stage}` is {described(setting.type)}, not `{expr.type}`",
        place(
            expression_span(expr, op.span),
            "this may be absent" if absent else f"this is `{expr.type}`",
        ),
        places(producers.label(expr)),
        f"say what stands in for it: `${{default({name}, ...)}}`" if absent else None,
    )


def _missing(op: Stage, setting: Setting) -> Diagnostic:
    meaning = f" ({setting.doc})" if setting.doc else ""
    return Diagnostic(
        "K112",
        f"`{op.stage}` needs the setting `{setting.name}`",
        place(op.span, f"`{setting.name}` is not given"),
        help=f"add `{setting.name}` under `with:`: {described(setting.type)}{meaning}",
    )


def _unknown(op: Stage, spec: StageSpec, name: str, expr: Expr) -> Diagnostic:
    known = {setting.name for setting in spec.config}
    help = did_you_mean(name, known)
    if any(name == wanted.name for wanted in spec.inputs):
        help = f"`{name}` is an input: bind it under `in:`"
    elif not known:
        help = f"`{op.stage}` has no settings at all"
    return Diagnostic(
        "K111",
        f"`{op.stage}` has no setting `{name}`",
        place(key_of(name, expression_span(expr, op.span)), "unknown setting"),
        help=help,
    )
