"""What an instance of a task leaves in the run's folder: its values, or how it failed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kitchen.ir.expr import Value
from kitchen.ir.places import Place, instance_key
from kitchen.runtime import store
from kitchen.runtime.encoding import Arrays, decode, encode
from kitchen.runtime.manifest import MANIFEST, StorageError, read_manifest, sha256_of
from kitchen.runtime.run_directory import RunDirectory
from kitchen.runtime.status import read_object

if TYPE_CHECKING:
    import numpy as np

OUTCOME, FAILED = "outcome", "failed.json"


class TaskError(Exception):
    """A task cannot be run, or a group not be told: a code, why, and what to do about it."""

    def __init__(self, code: str, message: str, help: str) -> None:
        super().__init__(message)
        self.code, self.help = code, help


class Missing(TaskError):
    """A value that is needed was never made: `task` at `place` has no outcome."""

    def __init__(self, task: str, place: Place) -> None:
        super().__init__(
            "K508",
            f"`{instance_key(task, place)}` has no outcome yet",
            f"what it makes is needed here; run `{task}` first",
        )
        self.task, self.place = task, place


@dataclass(frozen=True, slots=True)
class Failed:
    """How an instance failed: the step, what it said, and the order of the instance in the run."""

    stage: str
    message: str


class Outcomes:
    """The instances of one run's folder; what is committed never changes, and is read once."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self._read: dict[tuple[str, Place], Mapping[str, Any]] = {}

    def directory(self, task: str, place: Place) -> RunDirectory:
        return RunDirectory(self.run / "tasks" / instance_key(task, place))

    def folder(self, task: str, place: Place) -> Path:
        return self.directory(task, place).path / OUTCOME

    def is_done(self, task: str, place: Place) -> bool:
        return (self.folder(task, place) / MANIFEST).is_file()

    def commit(
        self, task: str, place: Place, values: Mapping[Value, Any], failure: Failed | None = None
    ) -> None:
        """Put the values that a task made in place, all or none of them."""

        def write(folder: Path) -> None:
            arrays = Arrays(folder / "arrays")
            made = {str(value): _encoded(value, held, arrays) for value, held in values.items()}
            content = {"values": made, "failure": None if failure is None else asdict(failure)}
            (folder / "values.json").write_text(json.dumps(content))

        store.commit_folder(self.folder(task, place), write, replace=True)

    def value(self, task: str, place: Place, value: Value) -> Any:
        """A value of a committed outcome. Raises Missing, and StorageError for what is damaged."""
        content = self._content(task, place)
        return decode(content["values"][str(value)], _Checked(self.folder(task, place)))

    def failure_behind(self, task: str, place: Place) -> Failed | None:
        """The failure that a committed ending was run for."""
        return _failed(self._content(task, place)["failure"])

    def _content(self, task: str, place: Place) -> Mapping[str, Any]:
        key = (task, place)
        if key not in self._read:
            if not self.is_done(task, place):
                raise Missing(task, place)
            folder = self.folder(task, place)
            self._read[key] = json.loads(_whole(folder, "values.json").read_bytes())
        return self._read[key]

    def forget(self, task: str, place: Place) -> None:
        """Take an outcome away, so that the instance is run again."""
        self._read.pop((task, place), None)
        store.remove_folder(self.folder(task, place))

    # ------------------------------------------------------------------------------- failures

    def fail(self, task: str, place: Place, failed: Failed) -> None:
        content = json.dumps(asdict(failed), indent=1).encode() + b"\n"
        store.commit_file(self.directory(task, place).path / FAILED, content)

    def try_again(self, task: str, place: Place) -> None:
        """Let a failure be forgotten, because its task is run again."""
        (self.directory(task, place).path / FAILED).unlink(missing_ok=True)

    def failure(self, task: str, place: Place) -> Failed | None:
        return _failed(read_object(self.directory(task, place).path / FAILED))


class _Checked(Arrays):
    """The arrays of an outcome, each compared with the digest that it was committed with."""

    def __init__(self, outcome: Path) -> None:
        super().__init__(outcome / "arrays")

    def fetch(self, number: int) -> np.ndarray:
        _whole(self.folder.parent, f"arrays/{number:06d}.npy")
        return super().fetch(number)


def _whole(folder: Path, name: str) -> Path:
    """A file of an outcome. Raises StorageError where it is not what was committed."""
    path = folder / name
    known = {file.path: file.sha256 for file in read_manifest(folder).files}
    if not path.is_file() or sha256_of(path) != known.get(name):
        raise StorageError(
            f"`{path}` is not as it was written",
            help=f"remove `{folder}`, and run that task again",
        )
    return path


def _failed(data: object) -> Failed | None:
    match data:
        case {"stage": str(stage), "message": str(message)}:
            return Failed(stage, message)
    return None


def _encoded(value: Value, held: Any, arrays: Arrays) -> dict[str, Any]:
    encoded = encode(held, arrays)
    if encoded is None:
        raise TaskError(
            "K509",
            f"`{value.name}` is a {type(held).__name__}, which cannot travel between tasks",
            "a stage is to give scalars, lists and records of them, or artifacts",
        )
    return encoded
