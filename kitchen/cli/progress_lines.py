"""The progress of a run in plain lines, for logs and pipes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kitchen.cli.figures import clock, number
from kitchen.cli.progress import TRAIN, Progress
from kitchen.cli.told import once, told
from kitchen.ir.visible import visible
from kitchen.runtime.events import Event, MetricsLogged, RunStarted

#: About how many lines a run of a known length gets; where it is not known, one every so many.
LINES, EVERY = 20, 10


class Lines:
    """Writes a line every so many steps, and one for whatever else is worth it."""

    def __init__(self, progress: Progress, write: Callable[[str], None]) -> None:
        self.progress, self.write = progress, write
        self.stages: frozenset[str] = frozenset()
        self.next = 0

    def __call__(self, event: Event) -> None:
        try:
            self.tell(event)
        except OSError:  # whoever read the lines has gone; the run goes on
            self.write = _unheard

    def tell(self, event: Event) -> None:
        """Write what there is to say of an event."""
        self.progress(event)
        if isinstance(event, RunStarted):
            self.stages = once(event.program)
        elif isinstance(event, MetricsLogged) and any(map(_is_trained, event.values)):
            if event.step >= self.next and self.progress.curve:
                every = interval(self.progress.total_steps())
                self.next = (event.step // every + 1) * every
                self.write(self.step_line())
        elif (line := told(event, self.stages, self.progress.step)) is not None:
            self.write(line)

    def step_line(self) -> str:
        """`step 40 of 250, epoch 1 of 2: loss 2.314, 9,120 tokens/s, 0:42 left`"""
        with self.progress.lock:
            return f"{', '.join(self._where())}: {', '.join(self._how())}"

    def _where(self) -> Iterator[str]:
        progress = self.progress
        total = progress.total_steps()
        yield f"step {progress.step}" if total is None else f"step {progress.step} of {total}"
        for loop in progress.loops[:-1]:
            if loop.count == 1:
                continue
            yield f"{visible(loop.name)} {loop.done + 1} of {loop.count or '?'}"

    def _how(self) -> Iterator[str]:
        progress = self.progress
        yield f"{progress.label} {number(progress.curve[-1])}"
        pace = progress.tokens_per_second()
        if pace is not None:
            yield f"{pace:,.0f} tokens/s"
        left = progress.seconds_left()
        if left is not None:
            yield f"{clock(left)} left"


def _unheard(line: str) -> None:
    """Write nothing."""


def interval(total: int | None) -> int:
    """Steps between lines: a round number that gives about LINES of them.

    >>> interval(None), interval(8), interval(250), interval(9_000)
    (10, 1, 20, 500)
    """
    if total is None:
        return EVERY
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if step * LINES >= total:
                return step
        power *= 10


def _is_trained(metric: str) -> bool:
    return metric.startswith(TRAIN)
