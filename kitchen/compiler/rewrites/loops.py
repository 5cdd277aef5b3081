"""Loops that never go round, and what loops carry without changing it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kitchen.compiler.rewrites.algebra import propagate
from kitchen.compiler.rewrites.branches import Taking
from kitchen.compiler.rewrites.facts import length, rebuilt, stands_for
from kitchen.compiler.rewrites.outputs import narrowed
from kitchen.compiler.rewrites.reasons import because, decided, removal, written
from kitchen.ir.expr import Const, Expr, Ref, Value
from kitchen.ir.program import Loop, Map, Op, Program, Region
from kitchen.ir.spec import Registry
from kitchen.ir.walk import transform


def drop_empty_loops(program: Program, registry: Registry) -> Program:
    """Remove loops that do nothing; read a carried value that never changes from outside.

    before                                                  after
      %n.2: Int = loop i over range(0) carry(%n.1 = %n) {     report(value=%n)
        ...
      }
      report(value=%n.2)

    What this makes known may decide a branch, which is then taken.
    """
    dropping = Dropping(program)
    return rebuilt(program, dropping.region, dropping.taking.removed)


class Dropping:
    """Takes out empty loops, and keeps what their outputs stand for."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.taking = Taking(program)
        self.known = self.taking.known

    def region(self, region: Region) -> Region:
        return transform(region, self, lambda expr: propagate(expr, self.known))

    def __call__(self, op: Op) -> Iterable[Op]:
        match op:
            case Loop():
                return self._loop(op)
            case Map(over=over) if length(over) == 0:
                empty: list[tuple[Value, Expr]] = [(o, Const([], o.type)) for o in op.outputs]
                return self._drop(op, empty, _no_items(self.program, over))
        return self.taking(op)

    def _loop(self, op: Loop) -> Iterable[Op]:
        reason = _never_runs(self.program, op)
        if reason is not None:
            return self._drop(op, list(zip(op.outputs, op.carry, strict=True)), reason)
        op = _without_idle_clauses(op)
        unchanged = self._unchanged(op)
        if unchanged:
            # The body is gone through once more: what is now known of it may settle more.
            smaller = narrowed(op, [output not in unchanged for output in op.outputs])
            return self.region(Region(ops=(smaller,))).ops
        if not (op.body.ops or op.outputs):
            return self._drop(op, [], "there is nothing in it")
        return (op,)

    def _drop(self, op: Op, given: list[tuple[Value, Expr]], reason: str) -> Iterable[Op]:
        by_name = self.taking.by_name
        if not all(stands_for(value, expr, by_name) for value, expr in given):
            return (op,)
        self.known.update(given)
        self.taking.removed.extend(removal(op, "drop_empty_loops", reason))
        return ()

    def _unchanged(self, op: Loop) -> set[Value]:
        """The outputs that come round as they went in; they are known from here on."""
        carried = op.body.params[len(op.body.params) - len(op.carry) :]
        found = set()
        slots = zip(carried, op.carry, op.body.results, op.outputs, strict=True)
        for param, start, result, output in slots:
            same = isinstance(result, Ref) and result.value == param
            if same and all(stands_for(v, start, self.taking.by_name) for v in (param, output)):
                self.known[param] = self.known[output] = start
                found.add(output)
        return found


def _without_idle_clauses(op: Loop) -> Loop:
    """The loop without a `while` that always holds and an `until` that never does."""
    match op.while_:
        case Const(value=value) if value:
            op = replace(op, while_=None)
    match op.until:
        case Const(value=value) if not value:
            op = replace(op, until=None)
    return op


def _never_runs(program: Program, op: Loop) -> str | None:
    """Why a loop has no iteration; None if it may have one."""
    if op.over is not None and length(op.over) == 0:
        return _no_items(program, op.over)
    match op.while_:
        case Const(value=value) as condition if not value:
            return decided(program, condition)
    match op.max:
        case Const(value=int() as most, span=span) if most <= 0:
            return f"`max` is {most}{because(program, span)}"
    return None


def _no_items(program: Program, over: Expr) -> str:
    return f"{written(over, 'its list')} has no items{because(program, over.span)}"
