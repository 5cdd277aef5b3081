"""Inputs: that somebody produces each, of the type the stage takes, on every path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kitchen.compiler.checks.loops import left_by_shared_updates
from kitchen.compiler.checks.places import Producers, expression_span, place, places, stages
from kitchen.compiler.checks.presence import Presence
from kitchen.compiler.checks.ruled_out import ruled_out
from kitchen.compiler.checks.sources import Sources
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.expr import Const, EvaluationError, Expr, Ref, Value, evaluate
from kitchen.ir.program import Program, Stage
from kitchen.ir.spec import Input, Registry, StageSpec
from kitchen.ir.types import NONE, accepts

NOTHING = Const(None, NONE)  #: what is bound to an input that may be absent and that nobody makes


def unproduced_inputs(program: Program, registry: Registry) -> Iterator[Diagnostic]:
    """Report each input that a stage must have and that nothing is bound to."""
    sources = Sources(program, registry)
    parameters = {param.value: param.setting for param in program.params}
    never = ruled_out(program)
    for op in stages(program):
        spec = registry.stages.get(op.stage)
        bound = dict(op.inputs)
        for wanted in () if spec is None else spec.inputs:
            given = bound.get(wanted.name)
            if given is not None and given != NOTHING:
                continue
            assert spec is not None
            needed = "" if op.name in never else _needed_for(op, spec, wanted, parameters)
            if wanted.required or needed:
                must = Input(wanted.name, wanted.type.required)
                yield Diagnostic(
                    "K110",
                    f"nothing produces the input `{wanted.name}` of `{op.stage}`{needed}",
                    place(op.span, f"takes `{must.type}`"),
                    help=sources.cure(op, must),
                )


def _needed_for(
    op: Stage, spec: StageSpec, wanted: Input, parameters: Mapping[Value, object]
) -> str:
    """The setting that makes an input needed that may be absent otherwise, in words; or nothing."""
    name, values = wanted.needed_for or ("", ())
    setting, expr = spec.setting(name), dict(op.config).get(name)
    given = None if setting is None else setting.default
    if expr is not None:
        try:
            given = evaluate(expr, parameters.__getitem__)
        except (EvaluationError, KeyError):  # at fault elsewhere, or known to a run alone
            return ""
    return f", needed for `{name}: {given}`" if given in values else ""


def edge_types(program: Program, registry: Registry) -> Iterator[Diagnostic]:
    """Report values bound to inputs that take another type, or that need them to be there."""
    producers, sources = Producers(program), Sources(program, registry)
    presence = Presence(program)
    spoiled: frozenset[Value] | None = None
    for op in stages(program):
        spec = registry.stages.get(op.stage)
        bound = dict(op.inputs)
        for wanted in () if spec is None else spec.inputs:
            expr = bound.get(wanted.name)
            if expr is None or accepts(wanted.type, expr.type):
                continue
            if not accepts(wanted.type, expr.type.required):
                spoiled = left_by_shared_updates(program, registry) if spoiled is None else spoiled
                if isinstance(expr, Ref) and expr.value in spoiled:
                    continue
                yield _wrong_type(op, wanted, expr, producers, sources)
            elif not presence.certain(op, expr):
                yield _absent(op, wanted, expr, producers, presence)


def _wrong_type(
    op: Stage, wanted: Input, expr: Expr, producers: Producers, sources: Sources
) -> Diagnostic:
    return Diagnostic(
        "K201",
        f"input `{wanted.name}` of `{op.stage}` takes `{wanted.type}`, not `{expr.type}`",
        place(expression_span(expr, op.span), f"{_name(expr)} is `{expr.type}`"),
        places(producers.label(expr)),
        sources.at_hand(op, wanted) or f"bind another value: `in: {{{wanted.name}: ...}}`",
    )


def _absent(
    op: Stage, wanted: Input, expr: Expr, producers: Producers, presence: Presence
) -> Diagnostic:
    guard = presence.guard(expr)
    if guard is None:
        help = f"give {_name(expr)} a value on every path"
    else:
        help = f"guard this step in the same way: `when: {guard}`"
    return Diagnostic(
        "K202",
        f"input `{wanted.name}` of `{op.stage}` takes `{wanted.type}`, not `{expr.type}`",
        place(expression_span(expr, op.span), f"{_name(expr)} may be absent"),
        places(producers.label(expr)),
        help,
    )


def _name(expr: Expr) -> str:
    return f"`{expr.value.name}`" if isinstance(expr, Ref) else "this"
