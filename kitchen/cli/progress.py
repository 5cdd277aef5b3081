"""How far a run is, as its events tell it: what every display of a run draws from."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from kitchen.ir.program import Loop, Map, Program, Region
from kitchen.ir.walk import regions
from kitchen.runtime.events import (
    Event,
    IterationStopped,
    LoopStarted,
    MetricsLogged,
    RunStarted,
    StageStopped,
)

#: How the metric ends that counts what a step was trained on; its pace is that of the last few.
TOKENS, WINDOW = "/tokens", 20
#: Of a phase, where there are several: `train/supervised/loss`.
LOSS, TRAIN, EVALUATION = "/loss", "train/", "eval/"
#: What attempts earned, which is followed where there is no loss that goes down.
REWARD = "reward"
#: Values kept for the curve of a live display.
HISTORY = 2_000


@dataclass(slots=True)
class OpenLoop:
    """A loop that is being run: how many iterations are done, of how many if that is known."""

    name: str
    count: int | None
    done: int


@dataclass(slots=True)
class Progress:
    """Listens to a run. What it keeps may be read from another thread under `lock`."""

    clock: Callable[[], float] = time.monotonic
    lock: Lock = field(default_factory=Lock)
    loops: list[OpenLoop] = field(default_factory=list)
    step: int = 0
    latest: dict[str, float] = field(default_factory=dict)  #: of training
    evaluation: tuple[int, Mapping[str, float]] | None = None
    followed: str = ""  #: the metric that says how well it goes: a loss, or the reward
    curve: deque[float] = field(default_factory=lambda: deque(maxlen=HISTORY))  #: its values
    started: float | None = None
    _around: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _waiting: dict[str, None] = field(default_factory=dict)
    _tokens: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _base: tuple[float, float] | None = None
    _before: int | None = None  #: steps that were taken before the loops, in an earlier phase

    def __call__(self, event: Event) -> None:
        if isinstance(event, StageStopped):  # the most frequent, and most of them say nothing new
            self._waiting.pop(event.op.name, None)
            return
        with self.lock:
            match event:
                case RunStarted(program=program):
                    self._begin(program)
                case LoopStarted(op=op, count=count, start=start):
                    around = self._around.get(op.name, ())
                    self.loops = [loop for loop in self.loops if loop.name in around]
                    if not self.loops:
                        self._enter_phase()
                    self.loops.append(OpenLoop(op.name, count, start))
                case IterationStopped(op=op, index=index):
                    self._iterated(op.name, index + 1)
                case MetricsLogged(step=step, values=values):
                    self._measured(step, values)

    def _begin(self, program: Program) -> None:
        self.started = self.clock()
        self._waiting = dict.fromkeys(op.name for op in program.body.ops)

        def enter(region: Region, around: tuple[str, ...]) -> None:
            for op in region.ops:
                if isinstance(op, Loop | Map):
                    self._around[op.name] = around
                    enter(op.body, (*around, op.name))
                else:
                    for inner in regions(op):
                        enter(inner, around)

        enter(program.body, ())

    def _enter_phase(self) -> None:
        """Forget what was measured of the loops before: these go at a pace of their own."""
        self.latest.clear()
        self._tokens.clear()
        self._base = self._before = None

    def _iterated(self, name: str, done: int) -> None:
        at = next((i for i, loop in enumerate(self.loops) if loop.name == name), None)
        if at is None:
            return
        self.loops = self.loops[: at + 1]
        self.loops[at].done = done
        if self._base is None and (fraction := self._fraction()) is not None:
            self._base = (fraction, self.clock())  # the first iteration warms up: it says little

    def _measured(self, step: int, values: Mapping[str, float]) -> None:
        training = {name: value for name, value in values.items() if name.startswith(TRAIN)}
        if training:
            self.step = step
            self.latest |= training
            if self._before is None:
                self._before = max(step - 1 - self._counted()[0], 0)
        for name, value in values.items():
            if name == REWARD or (name in training and name.endswith(LOSS)):
                self._follow(name, value)
            elif name in training and name.endswith(TOKENS):
                self._tokens.append((self.clock(), value))
        evaluation = {name: value for name, value in values.items() if name.startswith(EVALUATION)}
        if evaluation:
            self.evaluation = (step, evaluation)

    def _follow(self, name: str, value: float) -> None:
        if name != self.followed:
            self.followed = name
            self.curve.clear()  # of another phase, which has a curve of its own
        self.curve.append(value)

    @property
    def label(self) -> str:
        """What is followed, in one word."""
        return self.followed.rpartition("/")[2]

    def tokens_per_second(self) -> float | None:
        """The pace over the last steps; None until there are two."""
        if len(self._tokens) < 2:
            return None
        seconds = self._tokens[-1][0] - self._tokens[0][0]
        counted = sum(tokens for _, tokens in list(self._tokens)[1:])
        return counted / seconds if seconds > 0 else None

    def seconds_left(self) -> float | None:
        """How long the loops will go on at the pace so far; None while nobody can know."""
        fraction = self._fraction()
        if fraction is None or self._base is None or fraction <= self._base[0]:
            return None
        done, since = self._base
        return (1 - fraction) * (self.clock() - since) / (fraction - done)

    def _fraction(self) -> float | None:
        fraction, share = 0.0, 1.0
        for loop in self.loops:
            if not loop.count:
                return None
            fraction += share * loop.done / loop.count
            share /= loop.count
        return fraction if self.loops else None

    def running(self) -> str | None:
        """The first step of the program that has not ended yet."""
        return next(iter(self._waiting.copy()), None)

    def total_steps(self) -> int | None:
        """Steps at the end of these loops, one in each innermost iteration, if that is known."""
        total = self._counted()[1]
        return None if total is None or not self.loops else (self._before or 0) + total

    def _counted(self) -> tuple[int, int | None]:
        """Iterations of the innermost loop that are done, and all of them, if that is known."""
        done, total = 0, 1
        for loop in self.loops:
            if loop.count is None:
                return 0, None
            done, total = done * loop.count + loop.done, total * loop.count
        return done, total
