"""Stopping in good order: the first signal asks, the second Ctrl-C insists."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Self

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Whether the run was asked to stop; as a context manager it listens to signals.

    The first SIGTERM or SIGINT sets a flag, to be polled between steps, and wakes whoever waits;
    it does nothing else, so it can fall anywhere. A SIGINT after that raises KeyboardInterrupt:
    every commit is one rename, so that cannot tear one.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._requested = False
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._previous: dict[signal.Signals, object] = {}

    @property
    def requested(self) -> bool:
        return self._requested

    def request(self) -> None:
        """Ask for a stop, as a signal does."""
        if not self._requested:
            self._requested = True
            os.write(self._writer, b"\0")  # never read: it wakes every waiting thread, for good

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until a stop is asked for; gives whether it is."""
        end = time.monotonic() + seconds
        while not self._requested and (left := end - time.monotonic()) > 0:
            select.select([self._reader], [], [], left)
        return self._requested

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._previous[number] = signal.signal(number, self._received)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)  # type: ignore[arg-type]  # what signal.signal gave
        self._previous.clear()

    def __del__(self) -> None:
        os.close(self._reader)
        os.close(self._writer)

    def _received(self, number: int, frame: FrameType | None) -> None:
        if self._requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = self.signal or signal.Signals(number)
        self.request()
