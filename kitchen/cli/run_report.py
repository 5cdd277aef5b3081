"""What a run's folder tells, as data; whatever lies in it, reading it does not fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kitchen.runtime.journal import timings
from kitchen.runtime.run_directory import RunDirectory
from kitchen.runtime.status import Status, read_object
from kitchen.runtime.tasks.overview import journals, task_states

Json = dict[str, Any]
Curves = dict[str, list[tuple[int, float]]]

VERSION = 1


def run_report(path: Path, curves: Curves) -> Json:
    """The state of a run, its last metrics, what its steps cost, and where things are."""
    directory = RunDirectory(path)
    summary = directory.summary()
    status, tasks = summary.status or directory.status(), task_states(path)
    plan = read_object(path / "plan.json") or {}
    return {
        "version": VERSION,
        "status": summary.state,
        "fault": summary.fault,
        "recipe": summary.recipe,
        "workflow": _text(plan.get("workflow")),
        "digest": _text(plan.get("digest")),
        "steps": status.step if status else 0,
        "total_steps": status.total_steps if status else None,
        "started": status.started if status else None,
        "updated": status.updated if status else None,
        "seconds": _seconds(directory, status),
        "error": status.error if status else None,
        "metrics": {name: _curve(points) for name, points in curves.items()},
        "stages": {name: asdict(timing) for name, timing in timings(journals(directory)).items()},
        "tasks": [
            {
                "task": task.key,
                "status": task.state,
                "seconds": _seconds(task.directory, task.status),
            }
            for task in tasks
        ],
        "checkpoints": _checkpoints(directory),
        "samples": samples(path),
        "paths": _paths(directory),
    }


def _curve(points: list[tuple[int, float]]) -> Json:
    return {
        "step": points[-1][0],
        "value": points[-1][1],
        "first": points[0][1],
        "lowest": min(value for _, value in points),
    }


def read_curves(path: Path) -> Curves:
    """Each metric with its steps and values in order; none where no file can be read.

    A folder without metrics, and a machine without what reads them, have none.
    """
    files = sorted((path / "metrics").rglob("*.parquet"))  # tasks have a folder each
    if not files:
        return {}
    try:
        from kitchen.runtime.arrow import read_metrics
    except ImportError:
        return {}
    curves: Curves = {}
    for file in files:
        try:
            metrics = read_metrics(file)
        except (OSError, ValueError):  # Arrow's exceptions are among them
            continue
        for metric in metrics:
            curves.setdefault(metric.name, []).append((metric.step, metric.value))
    return curves


def samples(path: Path) -> dict[str, list[dict[str, str]]]:
    """Prompts and completions that a run kept, by their label, in the order of their steps."""
    return {label: [_sample(row) for row in rows] for _, label, rows in _sampled(path)}


def moments(path: Path) -> list[tuple[int, str]]:
    """Steps at which a run kept samples, with their label: `before`, `after`."""
    return [(step, label) for step, label, _ in _sampled(path)]


def _sampled(path: Path) -> list[tuple[int, str, list[object]]]:
    """Step, label and rows of each file; of two at one step, that which was written first."""
    found = []
    for file in (path / "samples").glob("*.json"):
        match read_object(file):
            case {"step": int(step), "rows": list(rows)}:
                found.append(((step, file.stat().st_mtime_ns, file.stem), rows))
    return [(step, label, rows) for (step, _, label), rows in sorted(found, key=lambda one: one[0])]


def _sample(row: object) -> dict[str, str]:
    fields = row if isinstance(row, Mapping) else {}
    return {name: str(fields.get(name, "")) for name in ("prompt", "completion")}


def _seconds(directory: RunDirectory, status: Status | None) -> float:
    """How long the run has been at work, over all the times it was begun or gone on with."""
    worked, since = 0.0, None
    for line in directory.journal():
        match line:
            case {"event": "run started", "time": int() | float() as began}:
                since = began
            case {"event": "run stopped", "seconds": int() | float() as seconds}:
                worked, since = worked + seconds, None
    if status is not None and since is not None:
        worked += max(status.updated - since, 0.0)
    return worked


def _checkpoints(directory: RunDirectory) -> list[str]:
    try:
        names = sorted(path.name for path in directory.checkpoints.iterdir())
    except OSError:
        return []
    return [name for name in names if name.isascii() and name.isdecimal()]


def _paths(directory: RunDirectory) -> dict[str, str]:
    """What is there."""
    known = {
        "run": directory.path,
        "recipe": directory.path / "recipe.yaml",
        "plan": directory.path / "plan.json",
        "journal": directory.path / "journal.jsonl",
        "metrics": directory.metrics,
        "weights": directory.weights,
        "samples": directory.samples,
        "answers": directory.path / "evaluations",
        "checkpoints": directory.checkpoints,
        "artifacts": directory.artifacts,
    }
    return {name: str(path) for name, path in known.items() if path.exists()}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
