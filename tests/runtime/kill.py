"""Run `kitchen` and kill it at a point; go on with the run; see what it ended with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.architecture import ROOT


class Runs:
    """Starts `kitchen` in forks of one process, which has imported what takes long."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"KITCHEN_CACHE": str(folder / "cache")}

    def __enter__(self) -> Self:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.runtime.crashing_run"],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "ready"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait()

    def run_and_kill(
        self,
        arguments: Sequence[str],
        *,
        at: str | None = None,
        fault: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> int:
        """Run `kitchen` with these arguments; gives its exit code, -9 where it was killed.

        `at` is a point of `crashing_run.arm`, `fault` one of `crashing_run.FAULTS`.
        """
        request = {
            "arguments": list(arguments),
            "point": at,
            "fault": fault,
            "output": str(self.folder / "output.txt"),
            "environment": {**self.environment, **(environment or {})},
        }
        assert self._server.stdin
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        return int(self._answer())

    @property
    def output(self) -> str:
        """What the last process said."""
        return (self.folder / "output.txt").read_text()

    def _answer(self) -> str:
        assert self._server.stdout
        return self._server.stdout.readline().strip()


@dataclass
class Life:
    """One run over all its processes."""

    runs: Runs
    recipe: Path
    path: Path
    settings: Sequence[str] = ()

    def go(self, at: str | None = None, *, fault: str | None = None) -> int:
        """Begin the run, or go on with it, as far as a point; gives the exit code."""
        if (self.path / "run.json").exists():
            arguments = ["run", "--resume", str(self.path), "--quiet"]
        else:
            sets = [word for setting in self.settings for word in ("--set", setting)]
            arguments = ["run", str(self.recipe), "--run-dir", str(self.path), "--quiet", *sets]
        return self.runs.run_and_kill(arguments, at=at, fault=fault)


def outcome(run: Path) -> dict[str, object]:
    """All that a run made, but for times: bytes of files by path, and the metrics."""
    from kitchen.runtime.arrow import read_metrics

    made: dict[str, object] = {
        path.relative_to(run).as_posix(): path.read_bytes()
        for folder in ("weights", "states", "samples")
        for path in sorted((run / folder).rglob("*"))
        if path.is_file()
    }
    made["metrics"] = [
        (metric.step, metric.name, metric.value)
        for path in sorted((run / "metrics").glob("*.parquet"))
        for metric in read_metrics(path)
    ]
    return made
