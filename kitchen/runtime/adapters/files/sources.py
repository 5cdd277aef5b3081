"""What a recipe's `source` names: which files, and how each is read."""

from __future__ import annotations

import glob
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kitchen.ir.diagnostic import closest, did_you_mean
from kitchen.runtime.arrow import arrow_rows, parquet_rows
from kitchen.runtime.ports import DataError, Row, Workspace
from kitchen.runtime.text_rows import csv_rows, jsonl_rows
from kitchen.runtime.yaml_rows import yaml_rows

PACKAGE = "package:"
PATTERN = frozenset("*?[")

Reader = Callable[[Path, str], Iterator[Row]]
READERS: dict[str, Reader] = {
    ".arrow": arrow_rows,
    ".csv": csv_rows,
    ".json": jsonl_rows,
    ".jsonl": jsonl_rows,
    ".ndjson": jsonl_rows,
    ".parquet": parquet_rows,
    ".yaml": yaml_rows,
    ".yml": yaml_rows,
}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a source. `uri` is its name as a person following the recipe would write it."""

    path: Path
    uri: str

    @property
    def suffix(self) -> str:
        return self.path.suffix.lower()

    def rows(self) -> Iterator[Row]:
        """Its rows, read as they are asked for."""
        return READERS[self.suffix](self.path, self.uri)

    def stamp(self) -> tuple[int, ...]:
        """What changes when the file does, as far as its folder entry tells."""
        try:
            found = self.path.stat()
        except OSError as cause:
            raise unreadable(self.uri, cause) from cause
        return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev


def find_files(source: str, workspace: Workspace) -> list[SourceFile]:
    """The files that a source names, in the order of their names."""
    folder, pattern, scheme = workspace.base, source, ""
    if source.startswith(PACKAGE):
        package, _, pattern = source.removeprefix(PACKAGE).partition("/")
        folder, scheme = _package_folder(source, package), f"{PACKAGE}{package}/"
        if ".." in PurePosixPath(pattern).parts or Path(pattern).is_absolute():
            raise DataError(
                f"it leads out of the package `{package}`",
                uri=source,
                help="a source in a package is `package:NAME/PATTERN`, without `..`",
            )
    elif made := workspace.made_by_run(source):
        folder, pattern, scheme = made.parent, made.name, source.removesuffix(made.name)
    if PATTERN & set(pattern):
        names = sorted(glob.glob(pattern, root_dir=folder, recursive=True))
        names = [name for name in names if (folder / name).is_file()]
    else:
        names = [pattern] if (folder / pattern).is_file() else []
    if not names:
        raise _not_found(source, folder, pattern)
    files = [SourceFile(folder / name, scheme + name) for name in names]
    for file in files:
        _require_known(file)
    return files


def _package_folder(source: str, package: str) -> Path:
    if not package.isidentifier():
        raise DataError(
            f"`{package}` is no name of a package",
            uri=source,
            help="a source in a package is `package:NAME/PATTERN`",
        )
    spec = None
    with suppress(ValueError):  # `__main__` has no spec
        spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise DataError(
            f"the package `{package}` is not installed",
            uri=source,
            help=f"install it: `pip install {package.replace('_', '-')}`",
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _not_found(source: str, folder: Path, pattern: str) -> DataError:
    target = folder / pattern
    if target.is_dir():
        return DataError(
            "it is a folder",
            uri=source,
            help=f"name its files: `{source.rstrip('/')}/*.jsonl`",
        )
    if PATTERN & set(pattern):
        return DataError(
            "no file matches",
            uri=source,
            help="a path is relative to the recipe's folder; `**` goes down into folders",
        )
    beside = target.parent
    if not beside.is_dir():
        return DataError(
            "there is no such file, and no such folder",
            uri=source,
            help="a path is relative to the recipe's folder",
        )
    names = {path.stem: path.name for path in beside.iterdir() if path.suffix.lower() in READERS}
    like = names.get(closest(target.stem, names) or "")
    return DataError(
        "there is no such file",
        uri=source,
        help=f"did you mean `{like}`?" if like else "a path is relative to the recipe's folder",
    )


def _require_known(file: SourceFile) -> None:
    if file.suffix not in READERS:
        known = ", ".join(f"`{suffix}`" for suffix in READERS)
        raise DataError(
            "its name does not end in a kind of file that is known",
            uri=file.uri,
            help=did_you_mean(file.suffix, READERS) or f"known: {known}",
        )


def unreadable(uri: str, cause: OSError) -> DataError:
    """A file that the system does not let us read."""
    return DataError(
        f"it cannot be read: {(cause.strerror or str(cause)).lower()}",
        uri=uri,
        help="look at the file's permissions",
    )
