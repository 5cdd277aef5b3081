"""How a run in tasks goes, as its folder tells; whatever lies in it, reading it does not fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kitchen.runtime import plugins
from kitchen.runtime.lock import is_locked
from kitchen.runtime.manifest import MANIFEST
from kitchen.runtime.run_directory import RunDirectory
from kitchen.runtime.status import Status, read_object
from kitchen.runtime.tasks.layout import Layout
from kitchen.runtime.tasks.outcomes import FAILED, OUTCOME, Outcomes
from kitchen.runtime.tasks.shared_folder import plan_in
from kitchen.runtime.tasks.state import first_failure
from kitchen.runtime.tasks.values import Values


@dataclass(frozen=True, slots=True)
class TaskState:
    """A task at a place that was begun: `done`, `running`, `stopped`, `failed` or `killed`."""

    key: str
    state: str
    directory: RunDirectory
    status: Status | None
    error: str | None


def task_states(run: Path) -> list[TaskState]:
    """The tasks of a run that were begun, in the order in which they were."""
    try:
        paths = sorted(path for path in (run / "tasks").iterdir() if path.is_dir())
    except OSError:
        return []
    found = [_task_state(path) for path in paths]
    return sorted(found, key=lambda one: one.status.started if one.status else 0.0)


def _task_state(path: Path) -> TaskState:
    directory = RunDirectory(path)
    status, failed = directory.status(), read_object(path / FAILED)
    if (path / OUTCOME / MANIFEST).is_file():
        state = "done"
    elif is_locked(path / "LOCK"):
        state = "running"
    elif failed is not None:
        state = "failed"
    else:
        state = "stopped" if status is not None and status.state == "stopped" else "killed"
    said = (
        f"`{failed.get('stage')}`: {failed.get('message')}" if failed and state != "done" else None
    )
    return TaskState(path.name, state, directory, status, said)


def overall(directory: RunDirectory) -> Status:
    """How far a run in tasks is, over all of its tasks."""
    tasks, own = task_states(directory.path), directory.status()
    known = [status for status in (own, *(task.status for task in tasks)) if status is not None]
    error = next((task.error for task in tasks if task.error), None)
    return Status(
        state=_state(directory, tasks, own),
        step=max((status.step for status in known), default=0),
        started=min((status.started for status in known), default=0.0),
        updated=max((status.updated for status in known), default=0.0),
        error=error or (own.error if own is not None else None),
    )


def _state(directory: RunDirectory, tasks: list[TaskState], own: Status | None) -> str:
    """What the process says that began all tasks; without one, what the tasks say together."""
    if is_locked(directory.path / "LOCK") or any(task.state == "running" for task in tasks):
        return "running"
    if own is not None:
        return "killed" if own.state == "running" else own.state
    if any(task.state == "failed" for task in tasks):
        return "failed"
    return "done" if _is_done(directory.path) else "stopped"


def _is_done(run: Path) -> bool:
    """Whether all of the body has run, by the plan; False where the plan cannot be followed."""
    try:
        plan = plan_in(run)
        values = Values(plan, Layout(plan.graph), Outcomes(run), plugins.functions())
        return first_failure(values) is None
    except Exception:  # what lies there may be anything, and a list of runs is no place to fail
        return False


def journals(directory: RunDirectory) -> Iterator[Mapping[str, Any]]:
    """The events of all tasks of a run, task by task, behind those of the whole."""
    yield from directory.journal()
    for task in task_states(directory.path):
        yield from task.directory.journal()
