"""What the groups of a task graph go by: known now, told by a task, or asked in a step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from kitchen.ir.deciding import clauses_of, known, read_by, teller
from kitchen.ir.expr import EvaluationError, Value
from kitchen.ir.frozen import frozen
from kitchen.ir.places import file_name
from kitchen.ir.program import Branch, Loop, Map
from kitchen.ir.task_graph import Group, Task, TaskGraph

UNROLLED = 50  #: iterations that are written out one after the other


@frozen
class Decision:
    """What a group goes by.

    `known` is a boolean or the number of places, if that follows from the recipe. If not, the call
    named `teller` tells `files`, and `asked` says that it does nothing else.
    """

    known: bool | int | None = None
    teller: str = ""
    files: tuple[str, ...] = ()
    asked: bool = False


@dataclass(slots=True)
class Decisions:
    """The decisions of all groups, and who tells which.

    Calls go by names of the program: a task by its own, a step that asks by `ask NAME`.
    """

    parameters: Mapping[Value, object]
    entering: dict[str, Decision] = field(default_factory=dict)  #: by group
    going_on: dict[str, Decision] = field(default_factory=dict)  #: by loop, after an iteration
    told: dict[str, list[str]] = field(default_factory=dict)  #: files by call

    def read(self, graph: TaskGraph) -> Decisions:
        """Decide for every group of a graph and of the graphs in it."""
        for node in graph.nodes:
            if isinstance(node, Group) and not self.is_void(node):
                for inner in self.inside(node):
                    self.read(inner)
                self.entering[node.name] = self.decide(node, graph)
                if is_open(node):
                    self.going_on[node.name] = self.until(node)
        return self

    def decide(self, group: Group, graph: TaskGraph) -> Decision:
        settled = self.settled(group)
        if settled is not None:
            return Decision(known=settled)
        reads = read_by(clauses_of(group), self.parameters)
        return self.by(teller(reads, graph), group.name, f"ask {group.name}", _entries(group))

    def until(self, group: Group) -> Decision:
        assert isinstance(group.op, Loop)
        assert group.op.until is not None
        found = teller(read_by((group.op.until,), self.parameters), group.graphs[0])
        file = file_name(group.name)
        files = (f"{file}.again", f"{file}.next")
        return self.by(found, group.name, f"ask {group.name} again", files)

    def by(self, task: Task | None, group: str, step: str, files: tuple[str, ...]) -> Decision:
        """A decision of a task, or of a step that asks where no task can tell it.

        A job of several nodes hands nothing to Argo but that it has ended.
        """
        asked = task is None or is_job(task)
        name = step if asked else task.name  # type: ignore[union-attr]
        self.told.setdefault(name, []).extend(files)
        return Decision(teller=name, files=files, asked=asked)

    # ------------------------------------------------------------------------------ what is known

    def settled(self, group: Group) -> bool | int | None:
        """A condition, or a number of places, that follows from the recipe alone."""
        clauses = clauses_of(group)
        if read_by(clauses, self.parameters):
            return None
        try:
            values = [known(clause, self.parameters) for clause in clauses]
        except EvaluationError:
            return None  # the step that asks fails, and says why
        if isinstance(group.op, Branch):
            return bool(values[0])
        counts = [_size(value) for value in values]
        return max(min(count for count in counts if count is not None), 0)

    def is_void(self, node: Task | Group) -> bool:
        """Whether a node has nothing that will ever run."""
        if isinstance(node, Task):
            return False
        settled = self.settled(node)
        if isinstance(node.op, Branch):
            return all(self.is_empty(graph) for graph in self.arms(node).values())
        return settled == 0 or self.is_empty(node.graphs[0])

    def is_empty(self, graph: TaskGraph) -> bool:
        return all(map(self.is_void, graph.nodes))

    def alone(self, graph: TaskGraph) -> Task | None:
        """The only thing that runs in a graph, if that is a task."""
        match [node for node in graph.nodes if not self.is_void(node)]:
            case [Task() as task]:
                return task
        return None

    def arms(self, group: Group) -> dict[str, TaskGraph]:
        """The arms of a branch that may be taken, by side."""
        settled = self.settled(group)
        sides = dict(zip(("then", "else"), group.graphs, strict=True))
        if settled is not None:
            sides = {side: sides[side] for side in [("else", "then")[bool(settled)]]}
        return sides

    def inside(self, group: Group) -> Iterable[TaskGraph]:
        """The graphs of a group that may run."""
        return self.arms(group).values() if isinstance(group.op, Branch) else group.graphs

    def running(self, graph: TaskGraph) -> Iterator[Task]:
        """The tasks that may run."""
        for node in graph.nodes:
            if isinstance(node, Task):
                yield node
            elif not self.is_void(node):
                for inner in self.inside(node):
                    yield from self.running(inner)

    def at_most(self, group: Group) -> int | None:
        """How often a loop goes round at the most, if anything but the run says so."""
        assert isinstance(group.op, Loop)
        counts = []
        for clause in clauses_of(group):
            if not read_by((clause,), self.parameters):
                try:
                    counts.append(_size(known(clause, self.parameters)))
                except EvaluationError:
                    continue
        return min((count for count in counts if count is not None), default=None)

    def parallel(self, group: Group) -> int | None:
        """How many bodies of a map may run at a time; None without a limit."""
        if isinstance(group.op, Loop):
            return 1
        assert isinstance(group.op, Map)
        most = group.op.max_parallel
        if most is None:
            return None
        value = known(most, self.parameters)
        return max(int(value), 1) if isinstance(value, int) else None


def is_open(group: Group) -> bool:
    """Whether only the run says when a loop ends."""
    return isinstance(group.op, Loop) and group.op.until is not None


def is_job(task: Task) -> bool:
    """Whether a task is a job of its own, on several nodes."""
    asked = task.annotations.resources
    return asked is not None and asked.nodes is not None


def groups(graph: TaskGraph) -> Iterator[Group]:
    """Every group, outermost first."""
    for node in graph.nodes:
        if isinstance(node, Group):
            yield node
            for inner in node.graphs:
                yield from groups(inner)


def _entries(group: Group) -> tuple[str, ...]:
    """The files that say which tasks of a group run, and how often."""
    file = file_name(group.name)
    match group.op:
        case Branch() | Map(max_parallel=None):
            return (file,)
        case Loop() if is_open(group):
            return (f"{file}.any", f"{file}.first")
    return (file, f"{file}.any")


def _size(value: object) -> int | None:
    """How many places a list has, or a number allows."""
    if value is None:
        return None
    if isinstance(value, int):
        return value
    assert isinstance(value, list | tuple | range | dict | str), value
    return len(value)
