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
class Guide:
    """What the README of an export says of its engine. Texts are Markdown, in one line each.

    `submit` are the commands that submit it, run in the folder of the export. `settings` are what
    can be set at submission: a name, and what it is. `lowered` says of groups and tasks that the
    engine has no word for what they became: a name, how, and why. `data` says where files have to
    lie, and `notes` what else to know.
    """

    submit: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    lowered: tuple[tuple[str, str, str], ...] = ()
    data: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def _no_guide(exported: Exported) -> Guide:
    return Guide()


@frozen(kw_only=True)
class Target:
    """One engine. `whole` names the ops that cannot be cut for it, and why; `emit` is pure.

    `guide` is called only for what was emitted without a fault.
    """

    name: str
    doc: str
    whole: Callable[[Program, TaskGraph], Mapping[str, str]]
    emit: Callable[[Exported], tuple[Files, tuple[Diagnostic, ...]]]
    guide: Callable[[Exported], Guide] = _no_guide
