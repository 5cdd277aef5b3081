"""Steps that parameters rule out, whatever else a run does, and those of which nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator

from kitchen.compiler.checks.settled import settled
from kitchen.ir.expr import Apply, EvaluationError, Expr, Value, evaluate, refs
from kitchen.ir.program import Branch, Loop, Map, Op, Program, Region
from kitchen.ir.types import Kind
from kitchen.ir.walk import regions, walk


def ruled_out(program: Program) -> frozenset[str]:
    """The ops in an arm that is not taken, or in a loop over nothing, by their names.

    What such a step would be given is nobody's mistake: the condition around it sees to that.
    """
    known = {param.value: param.setting for param in program.params}
    sections = (program.body, program.on_failure, program.finally_)
    return frozenset(
        inner.name
        for section in sections
        for op in walk(section)
        for region in _never_entered(op, known)
        for inner in walk(region)
    )


def unsure(program: Program) -> frozenset[str]:
    """The ops under a condition that reads what is at fault: whether they run, nobody knows."""
    sections = (program.body, program.on_failure, program.finally_)
    return frozenset(
        inner.name
        for section in sections
        for op in walk(section)
        if isinstance(op, Branch) and _at_fault(op.condition)
        for region in regions(op)
        for inner in walk(region)
    )


def _at_fault(expr: Expr) -> bool:
    if expr.type.kind is Kind.UNKNOWN:
        return True
    return isinstance(expr, Apply) and any(map(_at_fault, expr.args))


def _never_entered(op: Op, known: dict[Value, object]) -> Iterator[Region]:
    match op:
        case Branch(condition=condition):
            outcome = settled(condition, known)
            if outcome is not None:
                yield op.orelse if outcome else op.then
        case Loop(while_=while_, max=most) if _known(while_, known) is False or _none(most, known):
            yield from regions(op)
        case Loop() | Map() if _known(op.over, known) in ([], range(0)):
            yield from regions(op)


def _none(most: Expr | None, known: dict[Value, object]) -> bool:
    """Whether a number of rounds is none."""
    number = _known(most, known)
    return isinstance(number, int) and number <= 0


def _known(expr: Expr | None, known: dict[Value, object]) -> object:
    """What an expression comes to; None where that is not known, or it has no value."""
    if expr is None or any(ref.value not in known for ref in refs(expr)):
        return None
    try:
        return evaluate(expr, known.__getitem__)
    except EvaluationError:
        return None
