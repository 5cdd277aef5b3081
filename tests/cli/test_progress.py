"""What a display knows of a run, and how it draws it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
from rich.console import Console

from kitchen.cli.figures import sparkline
from kitchen.cli.progress import Progress
from kitchen.cli.progress_lines import Lines
from kitchen.cli.progress_live import Screen
from kitchen.ir.expr import Const
from kitchen.ir.program import Loop, Program, Region, Stage
from kitchen.ir.types import INT
from kitchen.runtime.events import (
    CheckpointCommitted,
    Event,
    IterationStopped,
    LoopStarted,
    MetricsLogged,
    Retrying,
    RunStarted,
    StageSkipped,
    StageStopped,
)
from kitchen.runtime.signals import StopRequest
from tests.conftest import Golden

LOAD, STEP, SAVE = (Stage(name=name, stage=name) for name in ("load", "step", "save"))
BATCH = Loop(name="batch", over=Const(range(10), INT), body=Region(ops=(STEP,)))
EPOCH = Loop(name="epoch", over=Const(range(4), INT), body=Region(ops=(BATCH,)))
PROGRAM = Program(name="toy", body=Region(ops=(LOAD, EPOCH, SAVE)))


class Clock:
    """A clock that is turned by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def a_run(clock: Clock, *, epochs: int = 4, stop_at: int = 40) -> Iterator[Event]:
    """A run of 4 epochs of 10 steps, half a second each, in which nothing goes wrong."""
    yield RunStarted(PROGRAM, resumed=False)
    yield StageStopped(LOAD, 0.0, 3.2)
    yield LoopStarted(EPOCH, epochs)
    step = 0
    for epoch in range(epochs):
        yield LoopStarted(BATCH, 10)
        for batch in range(10):
            if step == stop_at:
                return
            step += 1
            clock.now += 0.5
            yield StageStopped(STEP, 0.0, 0.4)
            yield MetricsLogged(step, {"train/loss": 4 / step, "train/tokens": 100.0})
            yield IterationStopped(BATCH, batch, 0.5)
        yield MetricsLogged(step, {"eval/loss": 5 / step, "eval/bits_per_byte": 1.5})
        yield CheckpointCommitted(f"{epoch + 1}", 0.25)
        yield IterationStopped(EPOCH, epoch, 5.0)
    yield StageStopped(SAVE, 0.0, 0.01)


def test_pace_and_time_left() -> None:
    clock = Clock()
    progress = Progress(clock)
    for event in a_run(clock, stop_at=25):
        progress(event)
    assert progress.tokens_per_second() == pytest.approx(200)
    assert progress.seconds_left() == pytest.approx(7.5)
    assert [(loop.name, loop.done, loop.count) for loop in progress.loops] == [
        ("epoch", 2, 4),
        ("batch", 5, 10),
    ]
    assert progress.total_steps() == 40


def test_time_left_of_a_run_that_goes_on() -> None:
    clock = Clock()
    progress = Progress(clock)
    for event in (RunStarted(PROGRAM, resumed=True), LoopStarted(EPOCH, 4, 3)):
        progress(event)
    progress(LoopStarted(BATCH, 10, 5))
    assert progress.seconds_left() is None
    for batch in (5, 6):
        clock.now += 2
        progress(IterationStopped(BATCH, batch, 2.0))
    assert progress.seconds_left() == pytest.approx(3 * 2.0)


def test_nothing_is_said_that_is_not_known() -> None:
    progress = Progress(Clock())
    progress(RunStarted(PROGRAM, resumed=False))
    assert progress.running() == "load"
    progress(LoopStarted(EPOCH, None))
    progress(IterationStopped(EPOCH, 0, 1.0))
    assert progress.seconds_left() is None
    assert progress.tokens_per_second() is None
    assert progress.total_steps() is None


def test_lines(golden: Golden) -> None:
    clock, written = Clock(), io.StringIO()
    lines = Lines(Progress(clock), lambda line: written.write(line + "\n"))
    for event in a_run(clock):
        lines(event)
    lines(Retrying(STEP, 1, 2.0, "the \x1b[31mline\nwas cut"))
    lines(StageSkipped(SAVE, "`weights` was never made"))
    assert written.getvalue() == golden


ATTEMPT = Loop(name="attempt", over=Const(range(20), INT), body=Region(ops=(BATCH,)))
PHASES = Program(name="toy", body=Region(ops=(LOAD, EPOCH, ATTEMPT, SAVE)))


def two_phases(clock: Clock) -> Iterator[Event]:
    """40 steps with a loss, then 20 that have none, a second each, by what attempts earned."""
    for event in a_run(clock):
        yield RunStarted(PHASES, resumed=False) if isinstance(event, RunStarted) else event
    yield LoopStarted(ATTEMPT, 20)
    for index in range(20):
        clock.now += 1
        yield MetricsLogged(40 + index, {"reward": index / 20, "env/all/turns": 1.0})
        yield LoopStarted(BATCH, 1)
        yield MetricsLogged(41 + index, {"train/grad_norm": 2.0, "train/tokens": 50.0})
        yield IterationStopped(BATCH, 0, 0.5)
        yield IterationStopped(ATTEMPT, index, 1.0)


def test_a_second_phase_counts_on_at_its_own_pace() -> None:
    clock, written = Clock(), list[str]()
    lines = Lines(Progress(clock), written.append)
    for event in two_phases(clock):
        lines(event)
    at = next(i for i, line in enumerate(written) if "reward" in line)
    assert all("loss" in line or "(" in line for line in written[:at])
    assert written[at:] == [
        "step 42 of 60, attempt 2 of 20: reward 0.05, 50 tokens/s",
        "step 45 of 60, attempt 5 of 20: reward 0.2, 50 tokens/s, 0:21 left",
        "step 50 of 60, attempt 10 of 20: reward 0.45, 50 tokens/s, 0:12 left",
        "step 55 of 60, attempt 15 of 20: reward 0.7, 50 tokens/s, 0:06 left",
        "step 60 of 60, attempt 20 of 20: reward 0.95, 50 tokens/s, 0:01 left",
    ]


def test_a_second_phase_that_is_gone_on_with_counts_on() -> None:
    progress = Progress(Clock())
    progress(RunStarted(PHASES, resumed=True))
    progress(LoopStarted(ATTEMPT, 20, 7))
    progress(LoopStarted(BATCH, 1))
    progress(MetricsLogged(48, {"train/tokens": 50.0}))
    assert (progress.step, progress.total_steps()) == (48, 60)


def test_the_screen_follows_the_phase_that_runs() -> None:
    """What an earlier phase measured last is not shown beside the figures of this one."""
    clock = Clock()
    screen = Screen(Progress(clock), "toy", StopRequest())
    for event in two_phases(clock):
        screen.progress(event)
    screen.console = Console(file=io.StringIO(), width=100, color_system=None)
    with screen.console.capture() as capture:
        screen.console.print(screen.drawn())
    shown = capture.get()
    assert "  reward ▁" in shown
    assert "step 60: grad norm 2, tokens 50" in shown
    assert "  loss" not in shown


def drawn(columns: int, stop_at: int, *, stopping: bool = False) -> str:
    clock, stop = Clock(), StopRequest()
    if stopping:
        stop.request()
    screen = Screen(Progress(clock), "toy in runs/toy-\x1b[2J1", stop)
    for event in a_run(clock, stop_at=stop_at):
        screen.progress(event)
    screen.console = Console(file=io.StringIO(), width=columns, color_system=None)
    with screen.console.capture() as capture:
        screen.console.print(screen.drawn())
    return re.sub(r"0:0\d$", "0:00", capture.get(), flags=re.M)


@pytest.mark.parametrize("columns", [120, 80, 40, 20])
def test_screen(golden: Golden, columns: int) -> None:
    picture = drawn(columns, 25)
    assert all(len(line) <= columns for line in picture.splitlines())
    assert picture == golden


def test_screen_before_the_first_loop_and_when_asked_to_stop(golden: Golden) -> None:
    assert drawn(80, 0) + drawn(80, 5, stopping=True) == golden


def test_sparkline_of_what_is_no_number() -> None:
    assert sparkline([float("nan"), float("inf")], 10) == ""
    assert sparkline([3.0, float("nan"), 1.0], 10) == "█▁"
    assert sparkline([], 10) == ""
