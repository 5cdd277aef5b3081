"""How far a run in tasks is: what of it should be done and is not, and what failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kitchen.ir.places import Place
from kitchen.ir.program import Branch
from kitchen.ir.task_graph import Group, Runs, Task, TaskGraph
from kitchen.runtime.calls import StageError
from kitchen.runtime.tasks.decisions import iterations
from kitchen.runtime.tasks.outcomes import Failed, Missing
from kitchen.runtime.tasks.values import Values


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A task at a place that should be done and has no outcome; `failed` if it said why."""

    task: str
    place: Place
    failed: Failed | None


def unfinished(values: Values) -> Iterator[Unfinished]:
    """What of the body of a program is not done, as far as that is known, in order.

    What depends on something unfinished may be left out: that something is told.
    """
    yield from _inside(values.layout.graph, (), values)


def first_failure(values: Values) -> Failed | None:
    """What went wrong first in the order of the program; None where the body is done.

    What is not done and did not say why, died without a word.
    """
    silent: Unfinished | None = None
    for each in unfinished(values):
        if each.failed is not None:
            return each.failed
        silent = silent or each
    return None if silent is None else Failed(silent.task, "its process ended without a word")


def _inside(graph: TaskGraph, place: Place, values: Values) -> Iterator[Unfinished]:
    for node in graph.nodes:
        if isinstance(node, Task):
            if node.runs is Runs.READY and not values.outcomes.is_done(node.name, place):
                yield Unfinished(node.name, place, values.outcomes.failure(node.name, place))
            continue
        try:
            yield from _of_group(node, place, values)
        except Missing:
            continue  # whoever was to make that is unfinished itself
        except StageError as error:
            yield Unfinished(node.name, place, Failed(error.op.name, str(error.cause)))


def _of_group(group: Group, place: Place, values: Values) -> Iterator[Unfinished]:
    if isinstance(group.op, Branch):
        yield from _inside(group.graphs[values.arm(group, place)], place, values)
        return
    for each in iterations(group, place, values):
        yield from _inside(group.graphs[0], each, values)
