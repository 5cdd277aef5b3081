"""The `metrics` port over Parquet files: whole parts of a fixed number of rows, and a last one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from kitchen.runtime import store
from kitchen.runtime.adapter import NoConfig
from kitchen.runtime.arrow import metrics_bytes, metrics_rows, read_metrics
from kitchen.runtime.ports import AdapterError, Metric, Workspace

PART = 8192  #: rows in a part; a flush never writes more
FLUSH_AFTER = 5.0  #: seconds that what was logged waits at most, while more is logged


class ParquetMetrics:
    """Parts that are full are never written again; the last is, whole, at every flush.

    So what a flush costs does not grow with the run, and the files depend on the rows alone, not
    on when they were flushed.
    """

    def __init__(self, config: NoConfig, workspace: Workspace) -> None:
        if workspace.run is None:
            raise AdapterError("`metrics: parquet` writes into a run's folder, and nothing is run")
        self._folder = workspace.run / "metrics" / workspace.part
        self._parts = 0  # full parts on the disk
        self._last: list[Metric] = []  # rows after them
        self._flushed = 0  # how many of those are on the disk
        self._time = time.monotonic()
        self._open()

    def log(self, step: int, values: Mapping[str, float]) -> None:
        now = time.time()
        for name, value in values.items():
            self._last.append(Metric(step, name, float(value), now))
            if len(self._last) == PART:
                self._write()
                self._parts, self._last, self._flushed = self._parts + 1, [], 0
        if time.monotonic() - self._time > FLUSH_AFTER:
            self.flush()

    def flush(self) -> None:
        if self._flushed < len(self._last):
            self._write()
        self._time = time.monotonic()

    def position(self) -> int:
        return self._parts * PART + len(self._last)

    def rewind(self, position: int) -> None:
        if not 0 <= position <= self.position():
            raise AdapterError(
                f"{self.position()} metrics were kept under `{self._folder}`, fewer than the "
                f"{position} that the checkpoint counted",
                help="put back the files that were there, or start another run",
            )
        parts, rows = divmod(position, PART)
        if parts < self._parts:
            self._last = self._read(parts)
        del self._last[rows:]
        for part in range(self._parts, parts, -1):  # the last first: a gap would be damage
            self._path(part).unlink(missing_ok=True)
        self._parts, self._flushed = parts, len(self._last)
        if self._last:
            self._write()
        else:
            self._path(parts).unlink(missing_ok=True)

    def read(self) -> list[Metric]:
        full = [metric for part in range(self._parts) for metric in self._read(part)]
        return full + self._last

    def _open(self) -> None:
        """Go on after the rows that are on the disk."""
        paths = sorted(self._folder.glob("part-*.parquet"))
        for part, path in enumerate(paths):
            rows = self._rows(path)
            if path != self._path(part) or rows > PART or (rows < PART and path != paths[-1]):
                raise self._damaged(path)
            if rows == PART:
                self._parts += 1
            else:
                self._last = self._read(part)
        self._flushed = len(self._last)

    def _write(self) -> None:
        store.commit_file(self._path(self._parts), metrics_bytes(self._last))
        self._flushed = len(self._last)

    def _read(self, part: int) -> list[Metric]:
        try:
            return read_metrics(self._path(part))
        except (OSError, ValueError) as cause:  # Arrow's exceptions are among them
            raise self._damaged(self._path(part)) from cause

    def _rows(self, path: Path) -> int:
        try:
            return metrics_rows(path)
        except (OSError, ValueError) as cause:
            raise self._damaged(path) from cause

    def _path(self, part: int) -> Path:
        return self._folder / f"part-{part:05d}.parquet"

    def _damaged(self, path: Path) -> AdapterError:
        return AdapterError(
            f"`{path}` does not hold the metrics that were written",
            help="put back the file as it was, or start another run",
        )
