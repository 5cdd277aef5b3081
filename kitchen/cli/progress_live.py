"""The progress of a run on a terminal: drawn over and over, with what happened above it."""

from __future__ import annotations

import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from kitchen.cli.figures import clock, number, sparkline
from kitchen.cli.progress import OpenLoop, Progress
from kitchen.cli.told import EVALUATION, figures, once, title, told
from kitchen.ir.visible import visible
from kitchen.runtime.events import Event, RunStarted
from kitchen.runtime.signals import StopRequest

REFRESH = 8  #: drawings a second
WIDEST = 100


class Screen:
    """Listens to a run and draws it, until it is closed."""

    def __init__(self, progress: Progress, heading: str, stop: StopRequest) -> None:
        self.progress, self.heading, self.stop = progress, visible(heading), stop
        self.console = Console(highlight=False, markup=False, emoji=False)
        self.stages: frozenset[str] = frozenset()
        self.began = time.monotonic()
        self.live = Live(
            get_renderable=self.drawn,
            console=self.console,
            refresh_per_second=REFRESH,
            transient=True,
            redirect_stdout=False,
        )

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self.live.stop()

    def __call__(self, event: Event) -> None:
        self.progress(event)
        if isinstance(event, RunStarted):
            self.stages = once(event.program)
        elif (line := told(event, self.stages, self.progress.step)) is not None:
            self.say(line)

    def say(self, line: str) -> None:
        """Put a line above the drawing, to stay."""
        with suppress(OSError):  # the terminal has gone; the run goes on
            self.console.print(Text(line, "dim"))

    def warn(self, message: str) -> None:
        """Put a warning above the drawing."""
        self.console.print(Text(f"warning: {visible(message)}", "yellow"))

    # ------------------------------------------------------------------------------------ drawing

    def drawn(self) -> RenderableType:
        """The drawing as things stand; no wider than is pleasant to read."""
        columns = min(self.console.width - 1, WIDEST)
        with self.progress.lock:
            parts: list[RenderableType] = [self._heading(columns)]
            if self.progress.loops:
                parts.append(self._loops(columns))
            else:
                parts.append(Text(f"  {self.progress.running() or 'starting'} ...", "dim"))
            parts += self._figures(columns)
        if self.stop.requested:
            parts.append(Text("stopping after this step; Ctrl-C again to stop at once", "yellow"))
        return Group(*parts)

    def _heading(self, columns: int) -> Text:
        elapsed = clock(time.monotonic() - self.began)
        heading = Text(self.heading, "bold", overflow="ellipsis", no_wrap=True)
        heading.truncate(columns - len(elapsed) - 2, overflow="ellipsis")
        gap = " " * max(columns - heading.cell_len - len(elapsed), 1)
        return Text.assemble(heading, gap, (elapsed, "cyan"), no_wrap=True)

    def _loops(self, columns: int) -> Table:
        table = Table.grid(padding=(0, 1))
        for loop in self.progress.loops:
            count = "?" if loop.count is None else f"{loop.count:,}"
            bar = max(min(columns - 50, 40), 8)
            table.add_row(
                Text("  " + visible(loop.name)),
                ProgressBar(total=loop.count, completed=loop.done, width=bar),
                Text(f"{loop.done:,}/{count}", "cyan", justify="right", no_wrap=True),
                Text(self._pace(loop), "dim", no_wrap=True, overflow="ellipsis"),
            )
        return table

    def _pace(self, loop: OpenLoop) -> str:
        """How fast, beside the innermost loop; how long still, beside the outermost."""
        parts = []
        tokens = self.progress.tokens_per_second()
        if loop is self.progress.loops[-1] and tokens is not None:
            parts.append(f"{tokens:,.0f} tokens/s")
        left = self.progress.seconds_left()
        if loop is self.progress.loops[0] and left is not None:
            parts.append(f"{clock(left)} left")
        return ", ".join(parts)

    def _figures(self, columns: int) -> list[Text]:
        progress = self.progress
        lines = []
        if progress.latest:
            shown = f"step {progress.step:,}: " + ", ".join(
                f"{title(name)} {number(value)}" for name, value in progress.latest.items()
            )
            lines.append(Text("  " + shown, no_wrap=True, overflow="ellipsis"))
        curve = sparkline(list(progress.curve), min(columns - 20, 60))
        if len(curve) > 1:
            lines.append(Text.assemble(f"  {progress.label} ", (curve, "green"), no_wrap=True))
        if progress.evaluation is not None:
            step, values = progress.evaluation
            shown = f"  evaluation at step {step:,}: {figures(values, EVALUATION)}"
            lines.append(Text(shown, no_wrap=True, overflow="ellipsis"))
        if progress.curve and progress.curve[-1] != progress.curve[-1]:
            lines.append(Text(f"  the {progress.label} is not a number", "bold red"))
        return lines
