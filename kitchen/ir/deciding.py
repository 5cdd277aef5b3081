"""What a group of tasks goes by, and who can tell it.

A branch goes by its condition, a map by its list, a loop by its list and, after each iteration, by
`until`. Engines know nothing of values: they are told a boolean or a list of places, by the task
that makes what is read, by a step that only asks, or before anything runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kitchen.ir.expr import Expr, Value, evaluate, refs
from kitchen.ir.program import Branch, Loop, Map
from kitchen.ir.task_graph import Group, Task, TaskGraph


def clauses_of(group: Group) -> tuple[Expr, ...]:
    """What decides, before anything of a group runs, which of its tasks run and how often."""
    match group.op:
        case Branch(condition=condition):
            return (condition,)
        case Map(over=over):
            return (over,)
        case Loop(over=over, max=most):
            return tuple(clause for clause in (over, most) if clause is not None)


def read_by(clauses: Iterable[Expr], parameters: Mapping[Value, object]) -> tuple[Value, ...]:
    """The values that clauses read, other than parameters of the program."""
    read = dict.fromkeys(ref.value for clause in clauses for ref in refs(clause))
    return tuple(value for value in read if value not in parameters)


def known(clause: Expr, parameters: Mapping[Value, object]) -> object:
    """The value of a clause that follows from constants and parameters alone."""
    return evaluate(clause, parameters.__getitem__)


def teller(read: Iterable[Value], graph: TaskGraph) -> Task | None:
    """The task of a graph that makes all of these values; None where no single one does."""
    wanted = set(read)
    for node in graph.nodes:
        if isinstance(node, Task) and wanted and wanted <= set(node.outputs):
            return node
    return None
