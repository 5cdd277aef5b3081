"""The folder of a run: what was asked, how far it came, and what it made.

- recipe.yaml, plan.json, run.json, MANIFEST.json: as the run began, never written again
- LOCK, status.json, journal.jsonl: how it goes
- checkpoints/00000012: where it can go on
- metrics, weights, samples, artifacts: what it made
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from kitchen.runtime import store
from kitchen.runtime.lock import is_locked, locked
from kitchen.runtime.status import RunSummary, Status, read_object, status_of

KEEP = 2  #: checkpoints that are never removed


class RunError(Exception):
    """A run cannot begin or go on: the message says why, `help` what to do."""

    def __init__(self, message: str, *, help: str) -> None:
        super().__init__(message)
        self.help = help


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A committed checkpoint: its number in the run, and its folder."""

    index: int
    path: Path


class RunDirectory:
    """One run's folder. Whoever writes to it holds its lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.metrics = path / "metrics"
        self.weights = path / "weights"
        self.samples = path / "samples"
        self.artifacts = path / "artifacts"

    # ------------------------------------------------------------------------- begin and go on

    @classmethod
    def create(cls, path: Path, files: Mapping[str, bytes]) -> Self:
        """Begin a run in a new folder, which appears with all its files or not at all."""
        if (path / "run.json").exists():
            raise RunError(
                f"`{path}` already holds a run",
                help=f"go on with it by `kitchen run --resume {path}`, or choose another folder",
            )

        def write(folder: Path) -> None:
            for name, data in files.items():
                (folder / name).write_bytes(data)

        store.commit_folder(path, write)
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """A run that is there; raises RunError where there is none."""
        run = cls(path)
        run.record()
        return run

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the one writer, and tidy away what a crash left; raises LockHeld if another is."""
        with locked(self.path / "LOCK"):
            store.clean_stale(self.path)
            for folder in self.path.iterdir():
                store.clean_stale(folder)
            yield

    def record(self) -> dict[str, Any]:
        """`run.json`: the plan's digest, and the versions and machine that the run began on."""
        record = read_object(self.path / "run.json")
        if record is None:
            raise RunError(
                f"`{self.path}` has no readable `run.json`",
                help="it is not the folder of a run, or was damaged; `kitchen runs` lists runs",
            )
        return record

    # ----------------------------------------------------------------------------- checkpoints

    def commit_checkpoint(
        self, index: int, write: Callable[[Path], None], *, keep: int = KEEP
    ) -> Checkpoint:
        """Add a checkpoint, durably, and then remove old ones; at least two good ones stay."""
        store.make_folder(self.checkpoints)
        good = self._good()
        if good:
            size = store.read_manifest(good[-1].path).size
            store.require_space(self.checkpoints, size + size // 5)
        target = self.checkpoints / f"{index:08d}"
        if target.exists():  # the run went on from before it, so it was found damaged
            store.set_aside(target)
        store.commit_folder(target, write)
        for old in self._good()[: -max(keep, KEEP)]:
            store.remove_folder(old.path)
        return Checkpoint(index, target)

    def latest_checkpoint(self, report: Callable[[str], None]) -> Checkpoint | None:
        """The newest checkpoint that holds every byte it was given.

        One that does not is reported, left where it is, and passed over for the one before.
        """
        for checkpoint in reversed(self._committed()):
            faults = store.verify_folder(checkpoint.path, hashes=True)
            if not faults:
                return checkpoint
            report(f"checkpoint {checkpoint.index} is passed over: {faults[0]}")
        return None

    def _committed(self) -> list[Checkpoint]:
        folders = self.checkpoints.iterdir() if self.checkpoints.is_dir() else ()
        named = (path for path in folders if path.name.isascii() and path.name.isdecimal())
        return sorted(
            (Checkpoint(int(path.name), path) for path in named), key=lambda one: one.index
        )

    def _good(self) -> list[Checkpoint]:
        """Checkpoints whose files are all there, in their sizes."""
        return [one for one in self._committed() if not store.verify_folder(one.path, hashes=False)]

    # ------------------------------------------------------------------------ status and journal

    def status(self) -> Status | None:
        """How far the run came; None where that cannot be read."""
        return status_of(read_object(self.path / "status.json") or {})

    def write_status(self, status: Status) -> None:
        content = json.dumps(asdict(replace(status, updated=time.time())), indent=1)
        store.commit_file(self.path / "status.json", content.encode() + b"\n")

    def append_journal(self, event: Mapping[str, Any]) -> None:
        store.append_line(self.path / "journal.jsonl", json.dumps(event))

    def journal(self) -> Iterator[dict[str, Any]]:
        """The events of the journal in order; a line that a crash tore is passed over."""
        path = self.path / "journal.jsonl"
        if not path.is_file():
            return
        with path.open("rb") as lines:
            for line in lines:
                with suppress(ValueError, RecursionError):
                    event = json.loads(line)
                    if isinstance(event, dict):
                        yield event

    def summary(self) -> RunSummary:
        """The run as a list shows it; never raises, whatever lies in the folder."""
        try:
            record = self.record()
        except RunError as cause:
            return RunSummary(path=self.path, state="unreadable", fault=str(cause))
        if record.get("tasks") is True:
            from kitchen.runtime.tasks.overview import overall  # it knows this module

            found, recipe = overall(self), str(record.get("recipe", ""))
            return RunSummary(path=self.path, state=found.state, recipe=recipe, status=found)
        status = self.status()
        state = status.state if status else "unreadable"
        if state == "running" and not is_locked(self.path / "LOCK"):
            state = "killed"
        recipe = str(record.get("recipe", ""))
        return RunSummary(path=self.path, state=state, recipe=recipe, status=status)


def list_runs(folder: Path) -> list[RunSummary]:
    """The runs under a folder, by name; never raises."""
    try:
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        runs = [RunDirectory(path) for path in paths if os.path.lexists(path / "run.json")]
    except OSError:
        return []
    return [run.summary() for run in runs]
