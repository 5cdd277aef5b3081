"""How far a run came, as its folder says it; what a folder says may be damaged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LARGEST_OBJECT = 1 << 26  # bytes; more than that was not written by a run
LATEST_TIME = 1e11  # seconds; a calendar ends somewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How far a run came. Times are Unix seconds."""

    state: str  #: `running`, `stopped` (it can go on), `failed` or `done`
    step: int = 0
    total_steps: int | None = None
    checkpoint: int | None = None
    started: float = 0.0
    updated: float = 0.0
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run as a list shows it. `state` may also be `killed` or `unreadable`."""

    path: Path
    state: str
    recipe: str = ""
    status: Status | None = None
    fault: str | None = None


def read_object(path: Path) -> dict[str, Any] | None:
    """An object from a JSON file that may be missing, damaged, or something else altogether."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_OBJECT:
            return None
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def status_of(data: Mapping[str, Any]) -> Status | None:
    """The status that an object stands for; None where it stands for none."""
    match data:
        case {
            "state": "running" | "stopped" | "failed" | "done" as state,
            "step": int(step),
            "total_steps": int() | None as total_steps,
            "checkpoint": int() | None as checkpoint,
            "started": int() | float() as started,
            "updated": int() | float() as updated,
            "error": str() | None as error,
        } if 0 <= started < LATEST_TIME and 0 <= updated < LATEST_TIME:
            return Status(
                state=state,
                step=step,
                total_steps=total_steps,
                checkpoint=checkpoint,
                started=started,
                updated=updated,
                error=error,
            )
    return None
