"""A task graph as tasks of Airflow: groups taken apart, loops unrolled, maps fanned out flat.

Values and conditions are `kitchen task`'s. Airflow is told an order, and at which places (the
indices of the maps and loops around a task) each task runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from kitchen.compiler.targets.airflow.naming import task_id
from kitchen.compiler.targets.airflow.whole import rounds_of
from kitchen.ir.deciding import clauses_of, known, read_by, teller
from kitchen.ir.expr import EvaluationError, Value
from kitchen.ir.frozen import frozen
from kitchen.ir.program import Branch, Loop, Map, Program
from kitchen.ir.task_graph import Group, Runs, Task, TaskGraph

Ids = tuple[str, ...]

ALL_DONE = "all-done"  #: a `-` is in no id that stands for a name alone


@frozen
class Spread:
    """Where a task runs once for each of several places: `known` ones, or those told by a task.

    `below` are the indices of unrolled loops inside of the map, joined by dots.
    """

    known: Ids | None = None
    by: str = ""  #: the id of the task that lists the places
    below: str = ""
    limit: int | None = None  #: how many run side by side


At = str | Spread


@frozen(kw_only=True)
class Unit:
    """One task of Airflow, and the ids of those that it waits for."""

    id: str
    upstream: Ids = ()
    rule: str = "none_failed"


@frozen(kw_only=True)
class Run(Unit):
    """`kitchen task` for a task at one place or at several."""

    task: Task
    at: At = ""
    tells: bool = False  #: whether a list of places is read from what it decides


@frozen(kw_only=True)
class Ask(Unit):
    """`kitchen task` for a group: what it goes by, at one place or, `every`, at all there are."""

    group: str
    at: str = ""
    every: bool = False


@frozen(kw_only=True)
class Places(Unit):
    """The list of a group's places, picked from what another task decided."""

    group: str
    source: str


@frozen(kw_only=True)
class AllDone(Unit):
    """Fails where anything before it failed, so that the run does."""


class Lowering:
    """Makes the tasks of Airflow for one program."""

    def __init__(self, program: Program) -> None:
        self.parameters: Mapping[Value, object] = {p.value: p.setting for p in program.params}
        self.units: dict[str, Unit] = {}

    def whole(self, graph: TaskGraph) -> tuple[Unit, ...]:
        """Every task, in an order in which they can run; the endings behind all others."""
        last = self.graph(graph, "", "", ())
        endings = [task for runs in (Runs.FAILED, Runs.ALWAYS) for task in _ending(graph, runs)]
        before, body = tuple(self.units), last
        for task in endings:
            own = task_id(task.name)
            self.units[own] = Run(id=own, upstream=before, rule="all_done", task=task)
            before, last = (own,), (*last, own)
        if endings:
            self.units[ALL_DONE] = AllDone(id=ALL_DONE, upstream=last)
        assert endings or last == body
        return tuple(self.units.values())

    def graph(self, graph: TaskGraph, at: At, tail: str, before: Ids) -> Ids:
        """The tasks of a graph; gives the last ones. `before` is what the first ones wait for.

        `tail` is what the ids of tasks in unrolled loops end in.
        """
        sources: dict[str, list[str]] = {}
        for edge in graph.edges:
            sources.setdefault(edge.target, []).append(edge.source)
        last: dict[str, Ids] = {}
        followed: set[str] = set()
        for node in graph.nodes:
            if isinstance(node, Task) and node.runs is not Runs.READY:
                continue
            waits = sources.get(node.name, [])
            followed.update(waits)
            upstream = _union(last[source] for source in waits) or before
            if isinstance(node, Task):
                last[node.name] = self.task(node, at, tail, upstream)
            else:
                last[node.name] = self.group(node, graph, at, tail, upstream)
        return _union(ids for name, ids in last.items() if name not in followed) or before

    def task(self, task: Task, at: At, tail: str, upstream: Ids) -> Ids:
        own = task_id(task.name) + tail
        self.units[own] = Run(id=own, upstream=upstream, task=task, at=at)
        return (own,)

    def group(self, group: Group, graph: TaskGraph, at: At, tail: str, upstream: Ids) -> Ids:
        match group.op:
            case Branch():
                arms = [self.graph(arm, at, tail, upstream) for arm in group.graphs]
                ran = [last for last in arms if last != upstream]
                return _union(ran) or upstream
            case Loop() as op:
                rounds = rounds_of(op, self.parameters)
                assert rounds is not None, f"{group.name} is kept whole"
                for number in range(rounds):
                    here = _inside(at, number)
                    upstream = self.graph(group.graphs[0], here, f"{tail}-{number}", upstream)
                return upstream
            case Map():
                if not any(group.graphs[0].tasks()):
                    return upstream
                spread = self.places(group, graph, at, tail, upstream)
                if spread.known == ():
                    return upstream
                return self.graph(group.graphs[0], spread, tail, upstream)

    # -------------------------------------------------------------------------------- places

    def places(self, group: Group, graph: TaskGraph, at: At, tail: str, upstream: Ids) -> Spread:
        """Where the tasks of a map run: known now, told by the task that decides, or asked for."""
        limit = self.limit(group, at)
        count = self.count(group)
        if count is not None and (isinstance(at, str) or at.known is not None):
            around = (at,) if isinstance(at, str) else at.known or ()
            return Spread(tuple(_joined(p, i) for p in around for i in range(count)), limit=limit)
        own = task_id(group.name) + tail
        source = self.teller(group, graph, at, tail)
        if source is None:
            source = f"{own}-ask"
            every = not isinstance(at, str)
            asked = at if isinstance(at, str) else ""
            self.units[source] = Ask(
                id=source, upstream=upstream, group=group.name, at=asked, every=every
            )
        listed = f"{own}-places"
        self.units[listed] = Places(id=listed, group=group.name, source=source)
        return Spread(by=listed, limit=limit)

    def teller(self, group: Group, graph: TaskGraph, at: At, tail: str) -> str | None:
        """The id of the one task that tells the places of a map; it is noted there."""
        if not isinstance(at, str):
            return None
        task = teller(read_by(clauses_of(group), self.parameters), graph)
        if task is None:
            return None
        own = task_id(task.name) + tail
        unit = self.units[own]
        assert isinstance(unit, Run)
        self.units[own] = replace(unit, tells=True)
        return own

    def count(self, group: Group) -> int | None:
        """How many items a map goes over, where nothing that runs decides it."""
        clauses = clauses_of(group)
        if read_by(clauses, self.parameters):
            return None
        try:
            items = known(clauses[0], self.parameters)
        except EvaluationError:
            return None  # the task that asks says what is wrong with it
        assert isinstance(items, list | range)
        return len(items)

    def limit(self, group: Group, at: At) -> int | None:
        """The fewest that may run side by side, of a map and those around it."""
        assert isinstance(group.op, Map)
        own = group.op.max_parallel
        given = [] if own is None else [known(own, self.parameters)]
        given += [] if isinstance(at, str) else [at.limit]
        return min((number for number in given if isinstance(number, int)), default=None)


def _ending(graph: TaskGraph, runs: Runs) -> list[Task]:
    return [task for task in graph.tasks() if task.runs is runs]


def _union(ids: Iterable[Ids]) -> Ids:
    return tuple(dict.fromkeys(each for some in ids for each in some))


def _joined(at: str, index: int) -> str:
    return f"{at}.{index}" if at else str(index)


def _inside(at: At, index: int) -> At:
    """One iteration of a loop at a place, or at each of several."""
    if isinstance(at, str):
        return _joined(at, index)
    if at.known is not None:
        return replace(at, known=tuple(_joined(place, index) for place in at.known))
    return replace(at, below=_joined(at.below, index))
