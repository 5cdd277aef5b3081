"""Expressions whose value is already known."""

from __future__ import annotations

from kitchen.compiler.rewrites.algebra import fold
from kitchen.compiler.rewrites.facts import rebuilt
from kitchen.ir.expr import Const, Expr, Value
from kitchen.ir.program import Program
from kitchen.ir.spec import Registry
from kitchen.ir.walk import transform


def fold_constants(program: Program, registry: Registry) -> Program:
    """Put the parameters' values in the place of their names, and compute what that settles.

    before                                   after
      %x: Int = twice(n=%epochs + 1)           %x: Int = twice(n=3)
    """
    known: dict[Value, Expr] = {
        parameter.value: Const(parameter.setting, parameter.value.type, parameter.span)
        for parameter in program.params
    }
    return rebuilt(
        program,
        lambda region: transform(region, lambda op: (op,), lambda expr: fold(expr, known)),
        [],
    )
