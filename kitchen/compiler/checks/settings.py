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
from kitchen.ir.diagnostic import Diagnostic, Label, closest, did_you_mean
from kitchen.ir.expr import EvaluationError, Expr, Ref, Value, evaluate, refs
from kitchen.ir.fit import Why, described, misfit, shown
from kitchen.ir.program import Parameter, Program, Stage
from kitchen.ir.spec import Registry, Setting, StageSpec
from kitchen.ir.types import Kind, accepts

_CODES = {Why.TYPE: "K221", Why.RANGE: "K222", Why.CHOICE: "K222", Why.INFINITE: "K223"}


def stage_settings(program: Program, registry: Registry) -> Iterator[Diagnostic]:
    """Report settings that the stage does not have, must have, or does not take."""
    parameters = {param.value: param for param in program.params}
    producers = Producers(program)
    for op in stages(program):
        spec = registry.stages.get(op.stage)
        if spec is None:
            continue
        given = dict(op.config)
        missing = []
        for setting in spec.config:
            if setting.name in given:
                expr = given.pop(setting.name)
                yield from _setting(op, setting, expr, parameters, producers)
            elif setting.required:
                missing.append(setting)
        meant = {closest(name, [setting.name for setting in spec.config]) for name in given}
        for name, expr in given.items():
            yield _unknown(op, spec, name, expr)
        for setting in missing:
            if setting.name not in meant:
                yield _missing(op, setting)


def _setting(
    op: Stage,
    setting: Setting,
    expr: Expr,
    parameters: Mapping[Value, Parameter],
    producers: Producers,
) -> Iterator[Diagnostic]:
    if expr.type.kind is Kind.UNKNOWN or any(r.type.kind is Kind.UNKNOWN for r in refs(expr)):
        return
    if any(ref.value not in parameters for ref in refs(expr)):
        if not accepts(setting.type, expr.type):
            yield _wrong_value(op, setting, expr, producers)
        return
    subject, at = f"`{setting.name}` of `{op.stage}`", expression_span(expr, op.span)
    try:
        value = evaluate(expr, lambda value: parameters[value].setting)
    except EvaluationError as cause:
        message = f"{subject} cannot be computed: {cause}"
        yield Diagnostic("K224", message, place(at, "computed here"), _set_in(expr, parameters))
        return
    wrong = misfit(setting, value)
    if wrong is None:
        return
    labels = places(place(at, wrong.given), *_set_in(expr, parameters))
    param = parameters[expr.value] if isinstance(expr, Ref) else None
    if param is not None and param.span is not None:  # the person set it, and not this template
        labels = places(
            place(param.span, wrong.given), place(at, f"goes into `{setting.name}` here")
        )
    yield Diagnostic(
        _CODES[wrong.why],
        f"{subject} is {wrong.wanted}, not {shown(value)}",
        labels[0] if labels else None,
        labels[1:],
        wrong.help,
    )


def _set_in(expr: Expr, parameters: Mapping[Value, Parameter]) -> tuple[Label, ...]:
    """Where the parameters that an expression reads get their values."""
    found = {ref.value: parameters[ref.value] for ref in refs(expr)}
    return places(
        *(
            place(param.span or param.declared, f"`{value.name}` is {shown(param.setting)}")
            for value, param in found.items()
        )
    )


def _wrong_value(op: Stage, setting: Setting, expr: Expr, producers: Producers) -> Diagnostic:
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
