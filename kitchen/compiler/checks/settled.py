"""What a condition comes out as, where some of what it reads is known and the rest is not."""

from __future__ import annotations

from collections.abc import Mapping

from kitchen.ir.expr import Apply, EvaluationError, Expr, Value, evaluate, refs


def settled(condition: Expr, known: Mapping[Value, object]) -> bool | None:
    """What a condition is, if that follows from the values known; None if it does not."""
    if isinstance(condition, Apply) and condition.op in ("and", "or"):
        deciding = condition.op == "or"
        parts = [settled(part, known) for part in condition.args]
        return deciding if deciding in parts else None if None in parts else not deciding
    if any(ref.value not in known for ref in refs(condition)):
        return None
    try:
        return bool(evaluate(condition, known.__getitem__))
    except EvaluationError:
        return None
