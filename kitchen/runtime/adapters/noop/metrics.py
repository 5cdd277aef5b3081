"""The `metrics` port in memory: nothing is written anywhere."""

from __future__ import annotations

import time
from collections.abc import Mapping

from kitchen.runtime.adapter import NoConfig
from kitchen.runtime.ports import AdapterError, Metric, Workspace


class NoopMetrics:
    """Remembers what was logged until the process ends."""

    def __init__(self, config: NoConfig, workspace: Workspace) -> None:
        self.metrics: list[Metric] = []

    def log(self, step: int, values: Mapping[str, float]) -> None:
        now = time.time()
        self.metrics += [Metric(step, name, float(value), now) for name, value in values.items()]

    def flush(self) -> None:
        """Nothing waits to be written."""

    def position(self) -> int:
        return len(self.metrics)

    def rewind(self, position: int) -> None:
        if not 0 <= position <= len(self.metrics):
            raise AdapterError(
                f"{len(self.metrics)} metrics were kept, fewer than the {position} that the "
                "checkpoint counted",
                help="keep metrics in files to resume a run: `metrics: parquet`",
            )
        del self.metrics[position:]

    def read(self) -> list[Metric]:
        return list(self.metrics)
