"""When a value that may be absent is certain to be there: its reader has the same guard."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from kitchen.ir.expr import Apply, Const, Expr, Ref, Value, refs
from kitchen.ir.frozen import frozen
from kitchen.ir.program import Branch, Op, Program, Region, Stage
from kitchen.ir.types import Kind
from kitchen.ir.walk import regions

Facts = tuple[tuple[Expr, bool], ...]


@frozen
class _Made:
    """How a branch makes a value: what it is on either side."""

    branch: Branch
    then: Expr
    orelse: Expr


class Presence:
    """What is known of absence in a program; worked out when the first question is asked."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def certain(self, op: Stage, expr: Expr) -> bool:
        """Whether an optional value is there whenever an op runs.

        Under a condition that could not be made out, nobody knows; that is reported already.
        """
        facts = self._facts.get(op.name, ())
        return any(_unknown(fact) for fact, _ in facts) or self._present(expr, facts)

    def guard(self, expr: Expr) -> str | None:
        """The condition, as written, under which a value is there."""
        made = self._made.get(expr.value) if isinstance(expr, Ref) else None
        if made is None or made.branch.condition.span is None:
            return None
        if not self._present(made.then, _conjuncts(made.branch.condition)):
            return None
        return made.branch.condition.span.text

    def _present(self, expr: Expr, facts: Facts) -> bool:
        if isinstance(expr, Const):
            return expr.value is not None
        if not expr.type.is_optional:
            return True
        made = self._made.get(expr.value) if isinstance(expr, Ref) else None
        if made is None:
            return False
        if _unknown(made.branch.condition):
            return True
        known = _holds(made.branch.condition, facts)
        if known is not None:
            return self._present(made.then if known else made.orelse, facts)
        return self._present(made.then, facts) and self._present(made.orelse, facts)

    @cached_property
    def _made(self) -> dict[Value, _Made]:
        return {
            value: _Made(op, then, orelse)
            for op, _ in self._known
            if isinstance(op, Branch)
            for value, then, orelse in zip(
                op.outputs, op.then.results, op.orelse.results, strict=True
            )
        }

    @cached_property
    def _facts(self) -> dict[str, Facts]:
        return {op.name: facts for op, facts in self._known}

    @cached_property
    def _known(self) -> list[tuple[Op, Facts]]:
        program = self.program
        found: list[tuple[Op, Facts]] = []
        for region in (program.body, program.on_failure, program.finally_):
            found.extend(_under(region, ()))
        return found


def _under(region: Region, facts: Facts) -> Iterator[tuple[Op, Facts]]:
    """Every op of a region with the conditions that hold where it runs."""
    for op in region.ops:
        yield op, facts
        if isinstance(op, Branch):
            yield from _under(op.then, facts + _conjuncts(op.condition))
            yield from _under(op.orelse, (*facts, (op.condition, False)))
        else:
            for inner in regions(op):
                yield from _under(inner, facts)


def _unknown(condition: Expr) -> bool:
    if condition.type.kind is Kind.UNKNOWN:
        return True
    return any(ref.type.kind is Kind.UNKNOWN for ref in refs(condition))


def _conjuncts(condition: Expr) -> Facts:
    """What is true where a condition is: itself, and each part of an `and`."""
    parts: Facts = ((condition, True),)
    if isinstance(condition, Apply) and condition.op == "and":
        for part in condition.args:
            parts += _conjuncts(part)
    if isinstance(condition, Apply) and condition.op == "not":
        parts += ((condition.args[0], False),)
    return parts


def _holds(condition: Expr, facts: Facts) -> bool | None:
    """Whether facts say that a condition is true or false; None if they say neither."""
    for fact, truth in facts:
        if fact == condition:
            return truth
    if isinstance(condition, Apply) and condition.op == "and":
        parts = [_holds(part, facts) for part in condition.args]
        return False if False in parts else None if None in parts else True
    if isinstance(condition, Apply) and condition.op == "not":
        inner = _holds(condition.args[0], facts)
        return None if inner is None else not inner
    return None
