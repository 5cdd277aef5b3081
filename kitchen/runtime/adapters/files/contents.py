"""What is in a file of data: the digest of its bytes, and how many rows they are."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from kitchen.runtime.adapters.files.sources import SourceFile, unreadable
from kitchen.runtime.arrow import arrow_shape, parquet_shape
from kitchen.runtime.ports import DataError
from kitchen.runtime.store import commit_file

READERS_VERSION = 1  #: raised when a reader comes to count other rows
SETTLED = 2_000_000_000  #: nanoseconds after which a second change shows in a file's times

SHAPES: dict[str, Callable[[Path, str], tuple[int, tuple[str, ...]]]] = {
    ".arrow": arrow_shape,
    ".parquet": parquet_shape,
}


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a file: the digest of its bytes, how many rows, and the columns if it says."""

    digest: str
    rows: int
    columns: tuple[str, ...] = ()


def contents(file: SourceFile, cache: Path) -> Contents:
    """What is in a file; every byte is read, unless it was before and the file has not changed.

    An answer is kept under the file's size, times and inode. One taken while the file was still
    fresh is not kept: a second change within the clock's tick could not be told from the first.
    """
    stamp, before = file.stamp(), time.time_ns()
    identity = repr((READERS_VERSION, str(file.path.resolve()), stamp))
    kept = cache / "contents" / f"{hashlib.sha256(identity.encode()).hexdigest()}.json"
    try:
        known = json.loads(kept.read_bytes())
        return Contents(known["digest"], known["rows"], tuple(known["columns"]))
    except (OSError, ValueError, KeyError, TypeError):
        found = _read_contents(file)
    if file.stamp() != stamp:
        raise changed(file.uri)
    if before - max(stamp[1], stamp[2]) > SETTLED:
        commit_file(kept, json.dumps(asdict(found)).encode())
    return found


def changed(uri: str) -> DataError:
    """A file that is not what it was when its digest was taken."""
    return DataError(
        "it changed while it was being read",
        uri=uri,
        help="wait until the file is written, then run again",
    )


def _read_contents(file: SourceFile) -> Contents:
    try:
        with file.path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        if file.suffix in SHAPES:
            return Contents(digest, *SHAPES[file.suffix](file.path, file.uri))
        if file.suffix == ".csv":
            return _read_csv(file, digest)
        return Contents(digest, sum(1 for _ in file.rows()))
    except OSError as cause:
        raise unreadable(file.uri, cause) from cause


def _read_csv(file: SourceFile, digest: str) -> Contents:
    rows, columns = 0, tuple[str, ...]()
    for row in file.rows():
        rows, columns = rows + 1, columns or tuple(row.fields)
    return Contents(digest, rows, columns)
