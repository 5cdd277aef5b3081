"""What a committed folder holds, and whether it still does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

MANIFEST = "MANIFEST.json"
SCHEMA = 1


class StorageError(Exception):
    """The disk did not take or give what was asked: the message says what, `help` what to do."""

    def __init__(self, message: str, *, help: str = "") -> None:
        super().__init__(message)
        self.help = help


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One file of a committed folder; `path` is relative and has `/` between its parts."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of a committed folder, in the order of their paths."""

    files: tuple[ManifestFile, ...]

    @property
    def size(self) -> int:
        """Bytes in all its files."""
        return sum(file.size for file in self.files)

    @property
    def digest(self) -> str:
        """One digest for all that the folder holds (SHA-256, hex)."""
        return hashlib.sha256(self.to_json()).hexdigest()

    def to_json(self) -> bytes:
        data = {"schema": SCHEMA, "files": [asdict(file) for file in self.files]}
        return json.dumps(data, indent=1).encode() + b"\n"


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a committed folder; raises StorageError where there is none to be read."""
    path = folder / MANIFEST
    try:
        data = json.loads(path.read_bytes())
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']!r}, and {SCHEMA} is read here")
        return Manifest(tuple(_manifest_file(file) for file in data["files"]))
    except FileNotFoundError as cause:
        raise StorageError(
            f"`{folder}` has no manifest", help="it was never committed, or was damaged since"
        ) from cause
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as cause:
        raise StorageError(
            f"`{path}` cannot be read: {cause}", help="it was damaged since it was written"
        ) from cause


def verify_folder(folder: Path, *, hashes: bool) -> list[str]:
    """What is wrong with a committed folder, one line each; `hashes` reads every byte."""
    try:
        manifest = read_manifest(folder)
    except StorageError as cause:
        return [str(cause)]
    faults = (_fault(folder, file, hashes=hashes) for file in manifest.files)
    return [fault for fault in faults if fault]


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest_file(data: dict[str, object]) -> ManifestFile:
    match data:
        case {"path": str(path), "size": int(size), "sha256": str(digest)}:
            parts = PurePosixPath(path)
            if parts.is_absolute() or ".." in parts.parts:
                raise ValueError(f"`{path}` is outside the folder")
            return ManifestFile(path, size, digest)
    raise ValueError("a file's path, size or sha256 is missing")


def _fault(folder: Path, file: ManifestFile, *, hashes: bool) -> str | None:
    path = folder / file.path
    try:
        size = path.stat().st_size
        if size != file.size:
            return f"`{path}` has {size} bytes, and {file.size} were written"
        if hashes and sha256_of(path) != file.sha256:
            return f"`{path}` does not hold the bytes that were written"
    except (OSError, ValueError) as cause:
        return f"`{path}` cannot be read: {cause}"
    return None
