"""Handles that change as they are used, and how the state of each is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol


class Stateful(Protocol):
    """How a handle's state is kept: through the port that made it."""

    def save(self, ports: Mapping[str, Any], handle: Any, folder: Path) -> None: ...
    def load(self, ports: Mapping[str, Any], handle: Any, folder: Path) -> None: ...


class SessionState:
    """A training session keeps its state through the training port."""

    def save(self, ports: Mapping[str, Any], handle: Any, folder: Path) -> None:
        ports["training"].save_state(handle, folder)

    def load(self, ports: Mapping[str, Any], handle: Any, folder: Path) -> None:
        ports["training"].load_state_with_optimizer(handle, folder)


#: Handles that change as they are used; any other is as good as new when it is made again.
STATES: Mapping[str, Stateful] = {"Session": SessionState()}
