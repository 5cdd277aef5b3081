"""What Argo cannot express across tasks, and so stays inside of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kitchen.compiler.targets.argo.decisions import Decisions, groups, is_open
from kitchen.ir.deciding import known, read_by
from kitchen.ir.expr import EvaluationError, Value
from kitchen.ir.program import Branch, Map, Program
from kitchen.ir.task_graph import Group, Task, TaskGraph

#: Templates within templates. Argo's controller counts from 1 and fails at 100; one is in hand.
DEEPEST, LIMIT = 98, 100


def whole(program: Program, graph: TaskGraph) -> dict[str, str]:
    """The maps and loops that are not cut for Argo, each with the reason why."""
    decisions = decisions_of(program, graph)
    found = dict(_unlimited(graph, decisions.parameters))
    levels = Levels(decisions, found)
    while levels.of(graph) > DEEPEST:
        loops = [group for group in levels.kept(graph) if is_open(group)]
        if not loops:
            break  # deep without a loop: refused when it is written
        deepest = max(loops, key=levels.rounds)
        found[deepest.name] = levels.reason(deepest)
    return found


def decisions_of(program: Program, graph: TaskGraph) -> Decisions:
    """What the groups of a program go by."""
    return Decisions({param.value: param.setting for param in program.params}).read(graph)


def _unlimited(
    graph: TaskGraph, parameters: Mapping[Value, object]
) -> Iterator[tuple[str, str]]:  # fmt: skip
    """What goes by a number or an end that Argo has to know before anything runs, and cannot."""
    decisions = Decisions(parameters)
    for group in groups(graph):
        if isinstance(group.op, Map) and group.op.max_parallel is not None:
            most = group.op.max_parallel
            try:
                fits = not read_by((most,), parameters) and known(most, parameters) is not None
            except EvaluationError:
                fits = False
            if not fits:
                yield (
                    group.name,
                    "only the run knows `max_parallel`, and Argo has to be told before",
                )
        elif is_open(group) and decisions.at_most(group) is None:
            yield (
                group.name,
                "nothing but the run says how often it goes round, and Argo has a limit",
            )


class Levels:
    """How deep templates call each other, without what stays in one task."""

    def __init__(self, decisions: Decisions, one_task: Mapping[str, str]) -> None:
        self.decisions, self.one_task = decisions, one_task

    def of(self, graph: TaskGraph) -> int:
        """Levels of the template of a graph and of all that it calls."""
        return 1 + max(map(self.node, graph.nodes), default=0)

    def node(self, node: Task | Group) -> int:
        if isinstance(node, Task) or node.name in self.one_task or self.decisions.is_void(node):
            return 1
        if isinstance(node.op, Branch):
            return max(map(self.called, self.decisions.arms(node).values()))
        inner = node.graphs[0]
        if is_open(node):
            return self.rounds(node) - 1 + self.of(inner)
        wrapped = not isinstance(node.op, Map) or self.decisions.parallel(node) is not None
        return self.called(inner) + wrapped

    def called(self, graph: TaskGraph) -> int:
        alone = self.decisions.alone(graph)
        return 1 if alone is not None else self.of(graph)

    def rounds(self, group: Group) -> int:
        """How many iterations are within each other."""
        return self.decisions.at_most(group) or 1

    def kept(self, graph: TaskGraph) -> Iterator[Group]:
        """The groups that are cut, outermost first."""
        for node in graph.nodes:
            if isinstance(node, Group) and node.name not in self.one_task:
                yield node
                for inner in node.graphs:
                    yield from self.kept(inner)

    def reason(self, group: Group) -> str:
        rounds = self.rounds(group)
        return f"up to {rounds} iterations within each other are too deep for Argo's {LIMIT} levels"
