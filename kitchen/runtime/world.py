"""What calls of stages need beside their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kitchen.runtime.events import Event, Listener
from kitchen.runtime.ports import Workspace
from kitchen.runtime.stage import StageFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What calls need beside their values: functions, ports, folders, listeners, a way to wait."""

    functions: Mapping[str, StageFunction]
    ports: Mapping[str, Any]
    workspace: Workspace
    listeners: tuple[Listener, ...] = ()
    #: Waits, in seconds, unless the run is asked to stop; then it returns True at once.
    wait: Callable[[float], bool] = field(default=lambda seconds: _sleep(seconds))

    def emit(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)


def _sleep(seconds: float) -> bool:
    import time

    time.sleep(seconds)
    return False
