"""Tasks: a program cut into pieces that run in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from enum import StrEnum

from kitchen.ir.expr import Value
from kitchen.ir.frozen import frozen
from kitchen.ir.program import EMPTY, NO_ANNOTATIONS, Annotations, Branch, Loop, Map, Region
from kitchen.ir.types import Kind


class Runs(StrEnum):
    """When a task runs."""

    READY = "ready"  #: when all that it needs is there
    FAILED = "failed"  #: at the end, if a task failed
    ALWAYS = "always"  #: at the end, whatever happened


class Because(StrEnum):
    """Why ops are in one task."""

    HANDLE = "handle"  #: what they share lives in one process
    CYCLE = "cycle"  #: apart, their tasks would wait for each other
    BODY = "body"  #: a loop whose body is one task repeats inside it
    LINE = "line"  #: one after the other, nothing beside them, with the same resources
    SMALL = "small"  #: a little arithmetic, which joins what it is read or made by
    ENDING = "ending"  #: steps of one ending


@frozen
class Reason:
    """Why some ops are in one task, in words."""

    because: Because
    text: str
    ops: tuple[str, ...] = ()


@frozen(kw_only=True)
class Task:
    """Ops that run in one process.

    The values that enter are `region.params`; those that leave are `outputs`, computed as
    `region.results` when all ops have run, before `on_failure` and `finally_`. Parameters of the
    program are in sight and do not count.
    """

    name: str
    region: Region
    outputs: tuple[Value, ...] = ()
    runs: Runs = Runs.READY
    annotations: Annotations = NO_ANNOTATIONS
    reasons: tuple[Reason, ...] = ()
    repeated: tuple[str, ...] = ()  #: makers of handles, in every task that needs one
    on_failure: Region = EMPTY  #: of the program's, what needs a handle of this task
    finally_: Region = EMPTY  #: likewise
    #: Of a task at the end: the versions that a value which enters may stand for, oldest first.
    latest: tuple[tuple[Value, tuple[Value, ...]], ...] = ()


@frozen(kw_only=True)
class Group:
    """A branch, map or loop whose regions are cut into tasks.

    `op` is that op without the ops in its regions: what it goes over, its condition and its
    results are constants, reads of values, or follow parameters of the program. `graphs` are its
    regions.
    """

    name: str
    op: Branch | Map | Loop
    graphs: tuple[TaskGraph, ...]
    clauses: tuple[tuple[str, str], ...] = ()  #: what `op` goes by, as the recipe says it
    reads: tuple[Value, ...] = ()  #: values of the tasks around it

    @property
    def outputs(self) -> tuple[Value, ...]:
        return self.op.outputs


Node = Task | Group


@frozen
class Edge:
    """One node waits for another: for `values`, or, where there are none, for its writes."""

    source: str
    target: str
    values: tuple[Value, ...] = ()


@frozen(kw_only=True)
class TaskGraph:
    """Tasks and groups in an order in which they can run, and what each waits for."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = field(default=())

    def tasks(self) -> Iterator[Task]:
        """Every task, those of groups included, in order."""
        for node in self.nodes:
            if isinstance(node, Task):
                yield node
            else:
                for graph in node.graphs:
                    yield from graph.tasks()


def travels(value: Value) -> str:
    """How a value crosses from task to task: as a `parameter` or as an `artifact`."""
    return "parameter" if value.type.kind is Kind.SCALAR else "artifact"
