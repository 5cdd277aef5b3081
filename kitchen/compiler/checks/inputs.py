"""Inputs: that somebody produces each, of the type the stage takes, on every path."""

from __future__ import annotations

from collections.abc import Iterator

from kitchen.compiler.checks.loops import left_by_shared_updates
from kitchen.compiler.checks.places import Producers, expression_span, place, places, stages
from kitchen.compiler.checks.presence import Presence
from kitchen.compiler.checks.sources import Sources
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.expr import Expr, Ref, Value
from kitchen.ir.program import Program, Stage
from kitchen.ir.spec import Input, Registry
from kitchen.ir.types import accepts


def unproduced_inputs(program: Program, registry: Registry) -> Iterator[Diagnostic]:
    """Report each input that a stage must have and that nothing is bound to."""
    sources = Sources(program, registry)
    for op in stages(program):
        spec = registry.stages.get(op.stage)
        bound = dict(op.inputs)
        for wanted in () if spec is None else spec.inputs:
            if wanted.required and wanted.name not in bound:
                yield Diagnostic(
                    "K110",
                    f"nothing produces the input `{wanted.name}` of `{op.stage}`",
                    place(op.span, f"takes `{wanted.type}`"),
                    help=sources.cure(op, wanted),
                )


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
