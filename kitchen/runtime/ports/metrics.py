"""The `metrics` port: measurements in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from kitchen.ir.frozen import frozen


@frozen
class Metric:
    """One measurement: optimizer step, name, value, and when it was taken (Unix seconds)."""

    step: int
    name: str
    value: float
    time: float


class MetricsStore(Protocol):
    """Keeps measurements in order. `position` and `rewind` let a resumed run go on exactly."""

    def log(self, step: int, values: Mapping[str, float]) -> None: ...

    def flush(self) -> None:
        """Make all that was logged durable and readable by others."""
        ...

    def position(self) -> int:
        """How many measurements were logged."""
        ...

    def rewind(self, position: int) -> None:
        """Forget the measurements after a position."""
        ...

    def read(self) -> list[Metric]: ...
