"""What a target is: where a task graph goes, what it cannot express, and the files it becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kitchen.ir.deployment import Schedule, Section
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.frozen import frozen
from kitchen.ir.program import Program
from kitchen.ir.task_graph import TaskGraph


@frozen(kw_only=True)
class Exported:
    """What is exported: a program in tasks, and what the recipe says of the target.

    `plan` is the file that each task reads, beside the workflow. `section` is the recipe's
    `targets: {NAME: ...}`.
    """

    program: Program
    graph: TaskGraph
    plan: bytes
    schedule: Schedule | None = None
    section: Section | None = None


Files = Mapping[str, bytes]  #: by name, relative to the folder that is exported to


@frozen(kw_only=True)
class Target:
    """One engine. `whole` names the ops that cannot be cut for it, and why; `emit` is pure."""

    name: str
    doc: str
    whole: Callable[[Program, TaskGraph], Mapping[str, str]]
    emit: Callable[[Exported], tuple[Files, tuple[Diagnostic, ...]]]
