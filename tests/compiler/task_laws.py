"""What holds of every partition, as functions that say how one breaks it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from kitchen.ir.expr import EvaluationError
from kitchen.ir.program import Program, Region, Stage
from kitchen.ir.spec import Effect
from kitchen.ir.task_graph import Group, TaskGraph
from kitchen.ir.types import Kind
from kitchen.ir.walk import walk
from kitchen.runtime.calls import StageError
from tests.compiler.laws import interpreted
from tests.compiler.task_runner import Tasks
from tests.compiler.toy_stages import REGISTRY

Law = Callable[[Program, TaskGraph], list[str]]


def groups(graph: TaskGraph) -> Iterator[Group]:
    for node in graph.nodes:
        if isinstance(node, Group):
            yield node
            for inner in node.graphs:
                yield from groups(inner)


def graphs(graph: TaskGraph) -> Iterator[TaskGraph]:
    yield graph
    for group in groups(graph):
        yield from group.graphs


def op_names(*regions: Region) -> list[str]:
    return [op.name for region in regions for op in walk(region)]


def every_op_is_in_one_task(program: Program, graph: TaskGraph) -> list[str]:
    """But for what is repeated, which is at most once in each."""
    wanted = op_names(program.body, program.on_failure, program.finally_)
    found = Counter(group.op.name for group in groups(graph))
    repeated: set[str] = set()
    for task in graph.tasks():
        own = Counter(op_names(task.region, task.on_failure, task.finally_))
        faults = [f"{name} is in {task.name} twice" for name, count in own.items() if count > 1]
        if faults:
            return faults
        repeated.update(task.repeated)
        found.update(own)
    times = Counter(wanted)
    return [
        f"{name} is in {found[name]} tasks"
        for name in times.keys() | found.keys()
        if not (found[name] >= 1 if name in repeated else found[name] == times[name] == 1)
    ]


def only_what_is_pure_is_repeated(program: Program, graph: TaskGraph) -> list[str]:
    stages = {op.name: op for op in walk(program.body) if isinstance(op, Stage)}
    return [
        f"{name} is repeated in {task.name}"
        for task in graph.tasks()
        for name in task.repeated
        if REGISTRY.stages[stages[name].stage].effect is not Effect.PURE
    ]


def no_handle_crosses(program: Program, graph: TaskGraph) -> list[str]:
    faults = [
        f"{value} crosses from {edge.source} to {edge.target}"
        for each in graphs(graph)
        for edge in each.edges
        for value in edge.values
        if value.type.kind is Kind.HANDLE
    ]
    for task in graph.tasks():
        at_the_end = {param for param, _ in task.latest}
        faults += [
            f"{value} crosses the border of {task.name}"
            for value in (*task.region.params, *task.outputs)
            if value.type.kind is Kind.HANDLE and value not in at_the_end
        ]
    return faults


def nodes_can_run_in_order(program: Program, graph: TaskGraph) -> list[str]:
    """No task waits, in the end, for itself: each edge leads forward; and names are unique."""
    faults = []
    for each in graphs(graph):
        place = {node.name: number for number, node in enumerate(each.nodes)}
        faults += [
            f"{edge.target} waits for {edge.source}"
            for edge in each.edges
            if place[edge.source] >= place[edge.target]
        ]
    named = [task.name for task in graph.tasks()] + [group.name for group in groups(graph)]
    return faults + [f"two are called {name}" for name, n in Counter(named).items() if n > 1]


def tasks_do_the_same(program: Program, graph: TaskGraph) -> list[str]:
    """The same writes, in the same order, in whatever order the edges allow."""
    written, fault = interpreted(program)
    if fault is not None:
        return []
    for seed in range(2):
        tasks = Tasks(program, seed)
        try:
            tasks.graph(graph, {})
        except (AssertionError, KeyError, StageError, EvaluationError, ValueError) as cause:
            return [f"fails: {cause!r}"]
        if tasks.lines.written != written:
            return [f"writes {tasks.lines.written}, not {written}, as {tasks.ran}"]
    return []


LAWS: tuple[Law, ...] = (
    every_op_is_in_one_task,
    only_what_is_pure_is_repeated,
    no_handle_crosses,
    nodes_can_run_in_order,
    tasks_do_the_same,
)
