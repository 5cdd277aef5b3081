"""What a condition says about values that may be absent."""

from __future__ import annotations

from kitchen.ir.expr import Apply, Const, Expr


def present_if(condition: Expr, outcome: bool) -> tuple[Expr, ...]:
    """The reads that are known to be present where a condition came out as `outcome`."""
    match condition:
        case (
            Apply(op="!=" | "==" as op, args=(value, Const(value=None)))
            | Apply(op="!=" | "==" as op, args=(Const(value=None), value))
        ):
            return (value,) if (op == "!=") is outcome else ()
        case Apply(op="not", args=(inner,)):
            return present_if(inner, not outcome)
        case Apply(op="and" | "or" as op, args=args) if (op == "and") is outcome:
            return tuple(value for arg in args for value in present_if(arg, outcome))
    return ()
