"""Values of a program that runs in tasks, read by reference from the folder of its run.

A value is a function of who makes it: a task's is in its outcome, a branch's is that of the arm
taken, a map's is the list over its items, a loop's comes from its last iteration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kitchen.ir.expr import Const, EvaluationError, Expr, Ref, Value, evaluate
from kitchen.ir.places import Place
from kitchen.ir.program import Branch, Loop, Map
from kitchen.ir.serde.plan import Plan
from kitchen.ir.task_graph import Group, Task
from kitchen.runtime.calls import StageError
from kitchen.runtime.stage import StageFunction
from kitchen.runtime.tasks.layout import Layout, Located
from kitchen.runtime.tasks.outcomes import Outcomes
from kitchen.runtime.tasks.stages import stages_of

At = tuple[Expr, Place]  #: an expression, and the place from which it is read


class Values:
    """Reads any value of a program at any place of one run."""

    def __init__(
        self,
        plan: Plan,
        layout: Layout,
        outcomes: Outcomes,
        functions: Mapping[str, StageFunction],
    ) -> None:
        self.layout, self.outcomes, self.functions = layout, outcomes, functions
        self.parameters = {param.value: param.setting for param in plan.program.params}

    def value(self, value: Value, place: Place) -> Any:
        """The value as it is seen from a place. Raises Missing where it was not made."""
        while value not in self.parameters:
            made = self.layout.made_by.get(value)
            if made is not None and isinstance(made.node, Task):
                return self._output(made.node, place[: made.depth], value)
            expr, place = (
                self._given(value, place) if made is None else self._made(made, value, place)
            )
            if not isinstance(expr, Ref):
                return self.read(expr, place)
            value = expr.value  # followed here: a value may be carried through many iterations
        return self.parameters[value]

    def is_known(self, value: Value) -> bool:
        """Whether a value is one of the program's, made or not."""
        layout = self.layout
        return value in self.parameters or value in layout.made_by or value in layout.given_by

    def read(self, expr: Expr, place: Place) -> Any:
        """The value of an expression at a place."""
        return evaluate(expr, lambda value: self.value(value, place))

    def clause(self, group: Group, expr: Expr, place: Place) -> Any:
        """What a group goes by or gives. Raises StageError where that has no value."""
        try:
            return self.read(expr, place)
        except EvaluationError as cause:
            raise StageError(group.op, cause) from cause

    # ---------------------------------------------------------------------------- who makes it

    def _output(self, task: Task, place: Place, value: Value) -> Any:
        for stage in stages_of(task):
            self.functions[stage.stage]  # loaded, so that the classes of what it gives are known
        return self.outcomes.value(task.name, place, value)

    def _given(self, value: Value, place: Place) -> At:
        """What a parameter of a body stands for in an iteration."""
        found, number = self.layout.given_by[value]
        group, outer, index = _group(found), place[: found.depth], place[found.depth]
        op = group.op
        if number == 0:
            return Const(self.items(group, outer)[index], value.type), outer
        assert isinstance(op, Loop), "a map carries nothing"
        if index == 0:
            return op.carry[number - 1], outer
        return op.body.results[number - 1], (*outer, index - 1)

    def _made(self, found: Located, value: Value, place: Place) -> At:
        """What an output of a group stands for."""
        group, outer = _group(found), place[: found.depth]
        number = group.outputs.index(value)
        match group.op:
            case Branch() as op:
                return (op.then, op.orelse)[self.arm(group, outer)].results[number], outer
            case Map() as op:
                rows = range(self.count(group, outer))
                result = op.body.results[number]
                column = [self.clause(group, result, (*outer, row)) for row in rows]
                return Const(column, value.type), outer
            case Loop() as op:
                last = self.last(group, outer)
                if last < 0:
                    return op.carry[number], outer
                return op.body.results[number], (*outer, last)

    # ----------------------------------------------------------------------- what groups go by

    def arm(self, group: Group, place: Place) -> int:
        """The arm that a branch at a place takes: 0 or 1."""
        assert isinstance(group.op, Branch)
        return 0 if self.clause(group, group.op.condition, place) else 1

    def items(self, group: Group, place: Place) -> Sequence[Any]:
        """What a map or loop at a place goes over."""
        assert isinstance(group.op, Map | Loop)
        assert group.op.over is not None, "a loop without a list stays whole"
        items: Sequence[Any] = self.clause(group, group.op.over, place)
        return items

    def count(self, group: Group, place: Place) -> int:
        """How many iterations a map or loop at a place has, at most."""
        count = len(self.items(group, place))
        if isinstance(group.op, Loop) and group.op.max is not None:
            count = min(count, max(self.clause(group, group.op.max, place), 0))
        return count

    def is_over(self, group: Group, place: Place) -> bool:
        """Whether a loop ends with the iteration at a place, by its `until`."""
        assert isinstance(group.op, Loop)
        until = group.op.until
        return until is not None and bool(self.clause(group, until, place))

    def last(self, group: Group, place: Place) -> int:
        """The last iteration of a loop at a place; -1 where it has none."""
        count = self.count(group, place)
        over = (index for index in range(count) if self.is_over(group, (*place, index)))
        return next(over, count - 1)

    def places(self, group: Group, place: Place) -> list[Place]:
        """The places of a map's or loop's iterations, if a loop is not ended before."""
        return [(*place, index) for index in range(self.count(group, place))]

    def refusal(self, found: Located, place: Place) -> str | None:
        """Why a node does not run at a place; None if it does."""
        inner = place
        for group, arm in found.path:
            depth = self.layout.by_name[group.name].depth
            outer, inner = place[:depth], place[depth:]
            if isinstance(group.op, Branch):
                if self.arm(group, outer) != arm:
                    return f"`{group.name}` takes the other arm"
                continue
            count = self.count(group, outer)
            if inner[0] >= count:
                return f"`{group.name}` has {count} iterations"
            if isinstance(group.op, Loop):
                before = ((*outer, index) for index in range(inner[0]))
                if any(self.is_over(group, each) for each in before):
                    return f"`{group.name}` ended before that iteration"
        return None


def _group(found: Located) -> Group:
    assert isinstance(found.node, Group)
    return found.node
