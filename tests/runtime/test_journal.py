"""What the journal and the status say of a run, and how long its ops took."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from kitchen.ir.expr import Const
from kitchen.ir.program import Branch, Loop, Program, Region, Stage
from kitchen.ir.source import Source, Span
from kitchen.ir.types import BOOL, INT
from kitchen.runtime import store
from kitchen.runtime.events import (
    CheckpointCommitted,
    IterationStopped,
    LoopStarted,
    MetricsLogged,
    Retrying,
    RunStarted,
    RunStopped,
    StageSkipped,
    StageStopped,
)
from kitchen.runtime.journal import Journal, Timing, timings
from kitchen.runtime.run_directory import RunDirectory
from kitchen.runtime.store import StorageError

SPAN = Span(Source("sft.yaml", "one\ntwo\n"), 4, 7)
LOAD = Stage(name="rows", stage="load_dataset", span=SPAN)
STEP = Stage(name="step", stage="optim_step")
SCORE = Stage(name="score", stage="evaluate")
BATCHES = Loop(name="batch", over=Const(2, INT), body=Region(ops=(STEP,)))
MAYBE = Branch(name="if", condition=Const(True, BOOL), then=Region(ops=(SCORE,)))
EPOCHS = Loop(name="epoch", over=Const(2, INT), body=Region(ops=(BATCHES, MAYBE)))
CLOSE = Stage(name="close", stage="close_session")
PROGRAM = Program(name="sft", body=Region(ops=(LOAD, EPOCHS)), finally_=Region(ops=(CLOSE,)))


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(tmp_path / "run", {"run.json": b"{}"})


def told(run: RunDirectory, *keys: str) -> list[tuple[object, ...]]:
    """Each line's event with some of its fields, and its time left out."""
    return [(line["event"], *(line[key] for key in keys if key in line)) for line in run.journal()]


def test_what_is_rare_is_told_and_what_is_not_is_counted(run: RunDirectory) -> None:
    journal = Journal(run, total_steps=4)
    journal(RunStarted(PROGRAM, resumed=False))
    journal(StageStopped(LOAD, 0.0, 0.5))
    journal(LoopStarted(EPOCHS, 2))
    for epoch in range(2):
        journal(LoopStarted(BATCHES, 2))
        for batch in range(2):
            journal(StageStopped(STEP, 0.0, 1.0 + batch))
            journal(MetricsLogged(2 * epoch + batch + 1, {"train/loss": 1.0}))
            journal(IterationStopped(BATCHES, batch, 2.0))
        journal(StageStopped(SCORE, 0.0, 3.0))
        journal(IterationStopped(EPOCHS, epoch, 9.0))
    journal(CheckpointCommitted("00000004", 0.25))
    journal(StageStopped(CLOSE, 0.0, 0.1))
    journal(RunStopped("done", 20.0))
    assert told(run, "op", "index") == [
        ("run started",),
        ("stage", "rows"),
        ("loop started", "epoch"),
        *[
            ("loop started", "batch"),
            ("stage", "score"),
            ("iteration", "epoch", 0),
            ("loop started", "batch"),
            ("stage", "score"),
            ("iteration", "epoch", 1),
        ],
        ("checkpoint",),
        ("timings",),
        ("stage", "close"),
        ("timings",),
        ("run stopped",),
    ]
    assert timings(run.journal()) == {
        "rows": Timing(1, 0.5, 0.5),
        "step": Timing(4, 6.0, 2.0),
        "batch": Timing(4, 8.0, 2.0),
        "score": Timing(2, 6.0, 3.0),
        "epoch": Timing(2, 18.0, 9.0),
        "close": Timing(1, 0.1, 0.1),
    }
    status = run.status()
    assert status is not None
    assert (status.state, status.step, status.total_steps, status.checkpoint) == ("done", 4, 4, 4)


def test_a_failure_is_told_wherever_it_is(run: RunDirectory) -> None:
    journal = Journal(run)
    journal(RunStarted(PROGRAM, resumed=False))
    journal(Retrying(STEP, 1, 0.5, "the line was cut"))
    journal(StageStopped(STEP, 0.0, 1.0, error="the line was cut"))
    journal(StageSkipped(CLOSE, "there is no session"))
    journal(StageStopped(LOAD, 0.0, 1.0, error="no such file"))
    journal(RunStopped("failed", 2.0, error="`step`: the line was cut"))
    assert told(run, "op", "line", "attempt", "error", "reason") == [
        ("run started",),
        ("retry", "step", 1, "the line was cut"),
        ("stage", "step", None, "the line was cut"),
        ("stage skipped", "close", "there is no session"),
        ("stage", "rows", 2, "no such file"),
        ("timings",),
        ("run stopped", "`step`: the line was cut"),
    ]
    status = run.status()
    assert status is not None
    assert (status.state, status.error) == ("failed", "`step`: the line was cut")


def test_a_run_that_goes_on_adds_to_what_it_did(run: RunDirectory) -> None:
    first = Journal(run)
    first(RunStarted(PROGRAM, resumed=False))
    first(MetricsLogged(7, {}))
    first(StageStopped(STEP, 0.0, 1.0))
    first(CheckpointCommitted("00000001", 0.1))
    first(StageStopped(STEP, 0.0, 1.0))  # lost: the process is killed before it is written
    second = Journal(run)
    second(RunStarted(PROGRAM, resumed=True))
    status = run.status()
    assert status is not None
    assert (status.state, status.step, status.checkpoint) == ("running", 7, 1)
    assert timings(run.journal()) == {"step": Timing(1, 1.0, 1.0)}
    second(StageStopped(STEP, 0.0, 3.0))
    second(RunStopped("stopped", 1.0))
    assert timings(run.journal()) == {"step": Timing(2, 4.0, 3.0)}


def test_timings_of_a_damaged_journal_are_those_it_has(run: RunDirectory) -> None:
    good = {"count": 1, "total": 2.0, "longest": 2.0}
    damaged: tuple[object, ...] = ({"a": good, "b": {"count": "1"}, "c": 3}, [], None)
    for ops in damaged:
        run.append_journal({"event": "timings", "ops": ops})
    assert timings(run.journal()) == {"a": Timing(1, 2.0, 2.0)}


def test_a_full_disk_does_not_hide_what_failed(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(run)
    journal(RunStarted(PROGRAM, resumed=False))

    def fail(descriptor: int, data: memoryview) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(store, "system", replace(store.system, write=fail))
    with pytest.raises(StorageError, match="no space left"):
        journal(StageStopped(LOAD, 0.0, 1.0))
    journal(RunStopped("failed", 1.0, error="`step`: no space left on device"))
    with pytest.raises(StorageError, match="no space left"):
        journal(RunStopped("done", 1.0))
