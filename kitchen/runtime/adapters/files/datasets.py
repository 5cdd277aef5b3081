"""The `datasets` port over files, with columns kept in a memory-mapped cache."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, compress
from typing import TYPE_CHECKING, Any

from kitchen.runtime.adapter import NoConfig
from kitchen.runtime.adapters.files.contents import Contents, changed, contents
from kitchen.runtime.adapters.files.sources import SourceFile, find_files, unreadable
from kitchen.runtime.arrow import read_columns, write_columns
from kitchen.runtime.manifest import verify_folder
from kitchen.runtime.order import selected
from kitchen.runtime.ports import DataError, Row, Workspace
from kitchen.runtime.ports.workspace import RUN
from kitchen.runtime.store import commit_file, commit_folder
from kitchen.runtime.values import Dataset

if TYPE_CHECKING:
    import numpy as np


class FileDatasets:
    """Reads rows of files as they are asked for; never holds a data set."""

    def __init__(self, config: NoConfig, workspace: Workspace) -> None:
        self._workspace = workspace
        self._cache = workspace.cache
        self._stamps: dict[str, tuple[tuple[int, ...], ...]] = {}

    def open(self, source: str) -> Dataset:
        files = find_files(source, self._workspace)
        stamps = tuple(file.stamp() for file in files)
        found = [contents(file, self._cache) for file in files]
        for file, inside in zip(files, found, strict=True):
            if inside.rows == 0:
                raise DataError("it has no rows", uri=file.uri, help="add rows, or leave it out")
        _require_same_columns(files, found)
        digest = hashlib.sha256()
        for file, inside in zip(files, found, strict=True):
            digest.update(f"{file.suffix} {inside.digest}\n".encode())
        self._stamps[source] = stamps
        return Dataset(source, digest.hexdigest(), sum(inside.rows for inside in found))

    def rows(self, dataset: Dataset) -> Iterator[Row]:
        files = find_files(dataset.uri, self._workspace)
        if dataset.uri not in self._stamps and self.open(dataset.uri).digest != dataset.digest:
            raise changed(dataset.uri)
        stamps = self._stamps[dataset.uri]
        if tuple(file.stamp() for file in files) != stamps:
            raise changed(dataset.uri)
        return compress(chain.from_iterable(map(_rows, files, stamps)), selected(dataset))

    def put(self, name: str, rows: Iterable[Mapping[str, Any]]) -> Dataset:
        source = f"{RUN}datasets/{_key(name)}.jsonl"
        path = self._workspace.made_by_run(source)
        assert path is not None
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        content = "".join(lines).encode()
        if not path.is_file() or path.read_bytes() != content:
            commit_file(path, content)
        return self.open(source)

    def cached(self, key: str) -> Mapping[str, np.ndarray] | None:
        folder = self._cache / "columns" / _key(key)
        if not folder.is_dir() or verify_folder(folder, hashes=False):
            return None
        try:
            return read_columns(folder)
        except (OSError, ValueError):  # Arrow's exceptions are among them
            return None

    def keep(
        self, key: str, chunks: Iterable[Mapping[str, np.ndarray]]
    ) -> Mapping[str, np.ndarray]:
        folder = self._cache / "columns" / _key(key)
        commit_folder(folder, lambda unfinished: write_columns(unfinished, chunks), replace=True)
        return read_columns(folder)


def _rows(file: SourceFile, stamp: tuple[int, ...]) -> Iterator[Row]:
    try:
        yield from file.rows()
    except OSError as cause:
        raise unreadable(file.uri, cause) from cause
    if file.stamp() != stamp:
        raise changed(file.uri)


def _require_same_columns(files: list[SourceFile], found: list[Contents]) -> None:
    for file, inside in zip(files[1:], found[1:], strict=True):
        first, other = found[0].columns, inside.columns
        if first and other and set(first) != set(other):
            raise DataError(
                f"its columns are {_quoted(other)}; those of `{files[0].uri}` are {_quoted(first)}",
                uri=file.uri,
                help="files that are read together have the same columns",
            )


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _key(key: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", key):
        raise ValueError(f"{key!r} is no key: letters, digits, `_` and `-`")
    return key
