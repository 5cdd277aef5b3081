"""The journal of a run: what happened, one line an event, and how long each op took in all.

What happens once in a while is written as it happens. What happens in every step, that is in a
loop without a loop in it, is counted, and the counts are written at each checkpoint and at the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from threading import Lock
from typing import Any

from kitchen.ir.program import Loop, Map, Op, Program, Region
from kitchen.ir.walk import regions, walk
from kitchen.runtime.events import (
    CheckpointCommitted,
    Event,
    IterationStopped,
    LoopStarted,
    MetricsLogged,
    Retrying,
    RunStarted,
    RunStopped,
    StageSkipped,
    StageStopped,
)
from kitchen.runtime.manifest import StorageError
from kitchen.runtime.run_directory import RunDirectory
from kitchen.runtime.status import Status


@dataclass(slots=True)
class Timing:
    """How often an op ran, how long that took in all, and how long at most. Seconds."""

    count: int = 0
    total: float = 0.0
    longest: float = 0.0


class Journal:
    """Listens to a run; writes its `journal.jsonl` and `status.json`."""

    def __init__(self, run: RunDirectory, *, total_steps: int | None = None) -> None:
        self._run = run
        before = run.status() or Status(state="running", started=time.time())
        self._status = replace(before, state="running", total_steps=total_steps, error=None)
        self._step = before.step
        self._timings: dict[str, Timing] = {}
        self._rare: frozenset[str] = frozenset()
        self._lock = Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:  # steps that run side by side tell of themselves side by side
            if isinstance(event, StageStopped | IterationStopped):
                self._count(event)
            elif isinstance(event, MetricsLogged):
                self._step = max(self._step, event.step)
            else:
                self._tell(event)

    def _count(self, event: StageStopped | IterationStopped) -> None:
        name, seconds = event.op.name, event.seconds
        timing = self._timings.get(name)
        if timing is None:
            timing = self._timings[name] = Timing()
        timing.count += 1
        timing.total += seconds
        if seconds > timing.longest:
            timing.longest = seconds
        if name in self._rare or (isinstance(event, StageStopped) and event.error):
            self._append(event)

    def _tell(self, event: Event) -> None:
        match event:
            case RunStarted(program=program):
                self._rare = frozenset(op.name for op in _rare(program))
                self._append(event)
                self._write_status()
            case CheckpointCommitted(name=name):
                self._append(event)
                self._append_timings()
                self._write_status(checkpoint=int(name))
            case RunStopped(status=state, error=error):
                # A disk that failed the run may fail this too; what failed it is what counts.
                with suppress(StorageError) if error else nullcontext():
                    self._append_timings()
                    self._append(event)
                    self._write_status(state=state, error=error)
            case _:
                self._append(event)

    def _write_status(self, **changes: Any) -> None:
        self._status = replace(self._status, step=self._step, **changes)
        self._run.write_status(self._status)

    def _append(self, event: Event) -> None:
        self._run.append_journal({"time": time.time(), **_line(event)})

    def _append_timings(self) -> None:
        ops = {name: asdict(timing) for name, timing in self._timings.items()}
        self._run.append_journal({"time": time.time(), "event": "timings", "ops": ops})


def timings(journal: Iterable[Mapping[str, Any]]) -> dict[str, Timing]:
    """What each op cost, over all the times that the run was begun or gone on with."""
    before: dict[str, Timing] = {}
    now: dict[str, Timing] = {}
    for line in journal:
        match line:
            case {"event": "run started"}:
                before, now = _add(before, now), {}
            case {"event": "timings", "ops": dict(ops)}:
                now = {name: timing for name in ops if (timing := _timing(ops[name]))}
    return _add(before, now)


def _timing(data: object) -> Timing | None:
    match data:
        case {"count": int(count), "total": float(total), "longest": float(longest)}:
            return Timing(count, total, longest)
    return None


def _add(before: Mapping[str, Timing], now: Mapping[str, Timing]) -> dict[str, Timing]:
    total = dict(before)
    for name, timing in now.items():
        old = total.get(name, Timing())
        total[name] = Timing(
            old.count + timing.count,
            old.total + timing.total,
            max(old.longest, timing.longest),
        )
    return total


def _rare(program: Program) -> Iterator[Op]:
    """The ops that are not run in every step: those around and beside the innermost loops."""

    def around(region: Region) -> Iterator[Op]:
        for op in region.ops:
            innermost = isinstance(op, Loop | Map) and not any(
                isinstance(inner, Loop | Map) for inner in walk(op.body)
            )
            if not innermost:
                yield op
                for inner_region in regions(op):
                    yield from around(inner_region)

    for region in (program.body, program.on_failure, program.finally_):
        yield from around(region)


def _line(event: Event) -> dict[str, Any]:
    """An event as the journal has it."""
    match event:
        case RunStarted(program=program, resumed=resumed):
            return {"event": "run started", "recipe": program.name, "resumed": resumed}
        case RunStopped(status=status, seconds=seconds, error=error):
            return {"event": "run stopped", "status": status, "seconds": seconds, "error": error}
        case StageStopped(op=op, seconds=seconds, error=error, reason=reason):
            place = {"op": op.name, "stage": op.stage, "line": op.span and op.span.line}
            told = {} if reason is None else {"reason": reason}
            return {"event": "stage", **place, "seconds": seconds, "error": error, **told}
        case StageSkipped(op=op, reason=reason):
            return {"event": "stage skipped", "op": op.name, "stage": op.stage, "reason": reason}
        case LoopStarted(op=op, count=count, start=start):
            return {"event": "loop started", "op": op.name, "count": count, "start": start}
        case IterationStopped(op=op, index=index, seconds=seconds):
            return {"event": "iteration", "op": op.name, "index": index, "seconds": seconds}
        case Retrying(op=op, attempt=attempt, wait=wait, error=error):
            times = {"attempt": attempt, "wait": wait}
            return {"event": "retry", "op": op.name, **times, "error": error}
        case CheckpointCommitted(name=name, seconds=seconds):
            return {"event": "checkpoint", "name": name, "seconds": seconds}
        case MetricsLogged(step=step, values=values):
            return {"event": "metrics", "step": step, "values": dict(values)}
