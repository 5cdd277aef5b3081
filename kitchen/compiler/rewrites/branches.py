"""Branches whose condition is already known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kitchen.compiler.rewrites.algebra import propagate
from kitchen.compiler.rewrites.facts import read_by_name, rebuilt, stands_for
from kitchen.compiler.rewrites.outputs import agreed, narrowed
from kitchen.compiler.rewrites.reasons import decided, removals
from kitchen.ir.expr import Const, Expr, Value
from kitchen.ir.program import Branch, Op, Program, Region, Removal
from kitchen.ir.spec import Registry
from kitchen.ir.walk import transform


def fold_branches(program: Program, registry: Registry) -> Program:
    """Replace a branch on a constant by the region it would take.

    before                                   after
      %m: Int = if true {                      %t: Int = train()
        %t: Int = train()                      report(value=%t)
        yield %t
      } else {
        yield 0
      }
      report(value=%m)

    Where the condition is not known, what both sides agree on is read from outside.
    """
    taking = Taking(program)
    return rebuilt(
        program,
        lambda region: transform(region, taking, lambda e: propagate(e, taking.known)),
        taking.removed,
    )


class Taking:
    """Takes the known side of branches, and keeps what their outputs stand for."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.by_name = read_by_name(program)
        self.known: dict[Value, Expr] = {}
        self.removed: list[Removal] = []

    def __call__(self, op: Op) -> Iterable[Op]:
        match op:
            case Branch(condition=Const() as condition):
                return self._known(op, condition)
            case Branch():
                return self._unknown(op)
        return (op,)

    def _unknown(self, op: Branch) -> Iterable[Op]:
        """What both sides agree on does not depend on the branch."""
        same = dict(agreed(op, self.by_name))
        self.known.update(same)
        if len(same) == len(op.outputs) and not (op.then.ops or op.orelse.ops):
            return ()
        return (narrowed(op, [output not in same for output in op.outputs]),)

    def _known(self, op: Branch, condition: Const) -> Iterable[Op]:
        """The side that is taken, in place of the branch.

        An output that the end reads by name must still be made: a branch without ops makes it.
        """
        taken, other = (op.then, op.orelse) if condition.value else (op.orelse, op.then)
        given = {
            value: expr
            for value, expr in zip(op.outputs, taken.results, strict=True)
            if stands_for(value, expr, self.by_name)
        }
        self.removed.extend(removals(other, "fold_branches", decided(self.program, condition)))
        self.known.update(given)
        if len(given) == len(op.outputs):
            return taken.ops
        if not (given or op.then.ops or op.orelse.ops) and op.then == op.orelse:
            return (op,)
        arm = Region(results=taken.results)
        making = replace(op, then=arm, orelse=arm)
        return (*taken.ops, narrowed(making, [output not in given for output in op.outputs]))
