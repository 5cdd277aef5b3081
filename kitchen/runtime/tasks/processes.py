"""Tasks as processes of this machine."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from kitchen.ir.places import Place, instance_key, place_text
from kitchen.ir.task_graph import Task
from kitchen.runtime.signals import StopRequest

#: The same interpreter; the folder we are in is no place to import from.
KITCHEN = (sys.executable, "-P", "-m", "kitchen")
LONGEST_LINE = 1 << 26  #: bytes of what a task says in one line


@dataclass(slots=True, kw_only=True)
class Processes:
    """Launches `kitchen task` for the tasks of one run; `say` and `complain` get its lines."""

    plan: Path
    run: Path
    base: Path
    stop: StopRequest
    say: Callable[[str], None] | None
    complain: Callable[[str], None]
    options: Sequence[str] = ()  #: more of `kitchen task`
    command: Sequence[str] = KITCHEN
    _running: set[asyncio.subprocess.Process] = field(default_factory=set)

    async def launch(self, task: Task, place: Place) -> int:
        """Run a task in a process; gives its exit code, which is negative for a signal."""
        key, began = instance_key(task.name, place), time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *self._words(task, place),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
        )
        self._running.add(process)
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            _, errors, code = await asyncio.gather(
                self._relay(key, process.stdout), process.stderr.read(), process.wait()
            )
        finally:
            self._running.discard(process)
            if process.returncode is None:  # this run is stopped at once
                with suppress(ProcessLookupError):
                    process.kill()
        self.complain(errors.decode(errors="replace"))
        if self.say is not None:
            self.say(f"{key}: {_ended(code)}, {time.monotonic() - began:.1f} s")
        return code

    async def pass_on_stop(self) -> None:
        """Wait for a stop to be asked for, and ask every process for it."""
        while not self.stop.requested:
            await asyncio.sleep(0.1)
        asked: set[asyncio.subprocess.Process] = set()
        while True:
            for process in self._running - asked:
                asked.add(process)
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.1)

    async def _relay(self, key: str, lines: asyncio.StreamReader) -> None:
        """Pass on what a process says, with its name before each line."""
        heading = f"{key} in {self.run}"
        async for line in lines:
            text = line.decode(errors="replace").rstrip("\n")
            if self.say is not None and text and text != heading:
                self.say(f"{key}: {text}")

    def _words(self, task: Task, place: Place) -> list[str]:
        quiet = ["--quiet"] if self.say is None else []
        options = ["--run", str(self.run), "--base", str(self.base), *quiet, *self.options]
        if place:
            options += ["--at", place_text(place)]
        return [*self.command, "task", *options, "--", str(self.plan), task.name]


def _ended(code: int) -> str:
    match code:
        case 0:
            return "done"
        case 75:
            return "stopped"
        case 99:
            return "not to be run"
        case code if code < 0:
            return f"killed by {signal.Signals(-code).name}"
    return "failed"
