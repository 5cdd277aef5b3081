"""Conditions and counts: that what steers a program is of a type that can."""

from __future__ import annotations

from collections.abc import Iterator

from kitchen.compiler.checks.places import Producers, expression_span, ops, place, places
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.expr import Expr
from kitchen.ir.fit import described
from kitchen.ir.program import Branch, Loop, Map, Op, Program
from kitchen.ir.spec import Registry
from kitchen.ir.types import BOOL, INT, Type, accepts

_CURES = {INT: "compare it, as in `value > 0`"}


def control_types(program: Program, registry: Registry) -> Iterator[Diagnostic]:
    """Report conditions that are not true or false, and counts that are not whole numbers."""
    producers = Producers(program)
    for op in ops(program):
        for key, expr, wanted in _controls(op):
            if expr is None or accepts(wanted, expr.type):
                continue
            absent = accepts(wanted, expr.type.required)
            yield Diagnostic(
                "K202" if absent else "K203",
                f"{key} is {described(wanted)}, not `{expr.type}`",
                place(expression_span(expr, op.span), f"this is `{expr.type}`"),
                places(producers.label(expr)),
                "say what stands in for it: `default(value, ...)`"
                if absent
                else _CURES.get(expr.type)
                if wanted == BOOL
                else None,
            )


def _controls(op: Op) -> Iterator[tuple[str, Expr | None, Type]]:
    match op:
        case Branch():
            yield "a condition", op.condition, BOOL
        case Loop():
            yield "`while:`", op.while_, BOOL
            yield "`until:`", op.until, BOOL
            yield "`max:`", op.max, INT
            yield "`checkpoint:`", op.checkpoint, INT
        case Map():
            yield "`max_parallel:`", op.max_parallel, INT
        case _:
            return
