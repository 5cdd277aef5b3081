"""What happens in a run, told as it happens. Listeners watch; they never change what runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kitchen.ir.program import Loop, Map, Program, Stage


@dataclass(frozen=True, slots=True)
class RunStarted:
    program: Program
    resumed: bool


@dataclass(frozen=True, slots=True)
class RunStopped:
    """`status` is done, failed or stopped (resumable)."""

    status: str
    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class StageStopped:
    """A stage ran. `start` is on the monotonic clock; `error` says how it failed, if it did.

    `reason` is what a stage that decides something says of it.
    """

    op: Stage
    start: float
    seconds: float
    error: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class StageSkipped:
    """A stage of `finally` or `on_failure` had nothing to act on."""

    op: Stage
    reason: str


@dataclass(frozen=True, slots=True)
class LoopStarted:
    """A loop begins, at iteration `start` where a resumed run enters it; `count` if known."""

    op: Loop | Map
    count: int | None
    start: int = 0


@dataclass(frozen=True, slots=True)
class IterationStopped:
    op: Loop | Map
    index: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Retrying:
    """A stage failed and is tried again after `wait` seconds; `attempt` counts from 1."""

    op: Stage
    attempt: int
    wait: float
    error: str


@dataclass(frozen=True, slots=True)
class MetricsLogged:
    step: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class CheckpointCommitted:
    name: str
    seconds: float


Event = (
    RunStarted
    | RunStopped
    | StageStopped
    | StageSkipped
    | LoopStarted
    | IterationStopped
    | Retrying
    | MetricsLogged
    | CheckpointCommitted
)
Listener = Callable[[Event], None]
