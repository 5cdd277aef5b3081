"""The `registry` port over a folder.

FOLDER/NAME/versions/0001/version.json     what the version is described by
FOLDER/NAME/versions/0001/weights/...      a copy of its weights
FOLDER/NAME/baselines.json                 the versions that were in use, the last one is
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kitchen.runtime.adapters.files import RegistryConfig
from kitchen.runtime.adapters.files.blobs import copy_files
from kitchen.runtime.lock import LockHeld, locked
from kitchen.runtime.model_versions import (
    known_already,
    require_model_name,
    require_unchanged,
    require_version,
)
from kitchen.runtime.ports import AdapterError, ModelVersion, Workspace
from kitchen.runtime.store import commit_file, commit_folder, make_folder
from kitchen.runtime.values import Weights


class FileRegistry:
    """Versions are folders that appear whole; one process at a time adds to a name."""

    def __init__(self, config: RegistryConfig, workspace: Workspace) -> None:
        self._folder, self._base = config.folder, workspace.base

    def versions(self, name: str) -> list[ModelVersion]:
        folder = self._of(name) / "versions"
        numbers = sorted(int(path.name) for path in folder.glob("[0-9]*"))
        return [_read_version(folder / _number(number)) for number in numbers]

    def register(
        self,
        name: str,
        weights: Weights,
        folder: Path,
        *,
        metrics: Mapping[str, float],
        judgements: int = 0,
    ) -> ModelVersion:
        require_model_name(name)
        require_unchanged(weights, folder)
        with self._alone(name):
            versions = self.versions(name)
            number = versions[-1].version + 1 if versions else 1
            described = ModelVersion(
                name=name,
                version=number,
                uri=f"{self._folder.rstrip('/')}/{name}/versions/{_number(number)}/weights",
                digest=weights.digest,
                kind=weights.kind,
                judgements=judgements,
                metrics=dict(metrics),
            )
            if known_already(versions, described):
                return versions[-1]

            def write(unfinished: Path) -> None:
                (unfinished / "weights").mkdir()
                copy_files(folder, unfinished / "weights")
                (unfinished / "version.json").write_bytes(_json(asdict(described)))

            commit_folder(self._of(name) / "versions" / _number(number), write)
        return described

    def baselines(self, name: str) -> list[int]:
        path = self._of(name) / "baselines.json"
        if not path.exists():
            return []
        return [int(number) for number in _read(path)["versions"]]

    def set_baseline(self, name: str, version: int) -> None:
        with self._alone(name):
            require_version(self.versions(name), name, version)
            before = self.baselines(name)
            if before[-1:] != [version]:
                content = _json({"versions": [*before, version]})
                commit_file(self._of(name) / "baselines.json", content)

    def _of(self, name: str) -> Path:
        return self._base / self._folder / require_model_name(name)

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        folder = self._of(name)
        make_folder(folder)
        try:
            with locked(folder / "LOCK"):
                yield
        except LockHeld as cause:
            raise AdapterError(str(cause), help=cause.help, transient=True) from cause


def _number(number: int) -> str:
    return f"{number:04d}"


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as cause:
        raise AdapterError(f"`{path}` cannot be read", help="put back what was there") from cause
    return content


def _read_version(folder: Path) -> ModelVersion:
    try:
        return ModelVersion(**_read(folder / "version.json"))
    except TypeError as cause:
        raise AdapterError(
            f"`{folder / 'version.json'}` does not describe a version",
            help="put back what was there",
        ) from cause
