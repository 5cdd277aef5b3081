"""Where everything in a task graph is: tasks and groups by name, values by who makes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kitchen.ir.expr import Value, refs
from kitchen.ir.program import Branch, Op
from kitchen.ir.task_graph import Group, Node, Task, TaskGraph
from kitchen.ir.walk import exprs, regions


@dataclass(frozen=True, slots=True)
class Located:
    """A node, the graph it is in, and the groups around it, outermost first, with the arm of each.

    `numbers` are the positions of those groups and of the node in their graphs.
    """

    node: Node
    graph: TaskGraph
    path: tuple[tuple[Group, int], ...]
    numbers: tuple[int, ...]

    @property
    def depth(self) -> int:
        """How many indices its places have."""
        return sum(not isinstance(group.op, Branch) for group, _ in self.path)


class Layout:
    """A task graph, looked up."""

    def __init__(self, graph: TaskGraph) -> None:
        self.graph = graph
        self.by_name: dict[str, Located] = {}
        self.made_by: dict[Value, Located] = {}
        #: The variable of a map or loop, and the values that a loop carries, by their number.
        self.given_by: dict[Value, tuple[Located, int]] = {}
        self.read_by: dict[Value, Op] = {}  #: the group that goes by a value
        for found in _located(graph, (), ()):
            self.by_name[found.node.name] = found
            self.made_by.update(dict.fromkeys(found.node.outputs, found))
            if isinstance(found.node, Group):
                self._add_group(found, found.node)

    def _add_group(self, found: Located, group: Group) -> None:
        op = group.op
        if not isinstance(op, Branch):
            self.given_by |= {value: (found, k) for k, value in enumerate(op.body.params)}
        read = [*exprs(op), *(result for region in regions(op) for result in region.results)]
        for expr in read:
            self.read_by.update((ref.value, op) for ref in refs(expr))

    def group(self, name: str) -> Located | None:
        found = self.by_name.get(name)
        return found if found is not None and isinstance(found.node, Group) else None

    def tasks(self) -> Iterator[tuple[Located, Task]]:
        for found in self.by_name.values():
            if isinstance(found.node, Task):
                yield found, found.node


def _located(
    graph: TaskGraph, path: tuple[tuple[Group, int], ...], numbers: tuple[int, ...]
) -> Iterator[Located]:
    for number, node in enumerate(graph.nodes):
        here = (*numbers, number)
        yield Located(node, graph, path, here)
        if isinstance(node, Group):
            for arm, inner in enumerate(node.graphs):
                yield from _located(inner, (*path, (node, arm)), here)
