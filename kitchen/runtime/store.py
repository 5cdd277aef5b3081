"""The one module that writes: a file or a folder appears whole, or not at all.

Everything is written under a temporary name beside its target, forced to the disk, and renamed; a
folder's manifest is written last. `system` holds the calls that reach the disk, so that a test can
fail or stop at each of them.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from kitchen.runtime.disk_failures import named_failures
from kitchen.runtime.manifest import MANIFEST, Manifest, ManifestFile, sha256_of
from kitchen.runtime.manifest import StorageError as StorageError
from kitchen.runtime.manifest import read_manifest as read_manifest
from kitchen.runtime.manifest import verify_folder as verify_folder

TEMPORARY, REPLACED, TRASH, DAMAGED = ".tmp-", ".old-", ".trash-", "damaged-"


@dataclass(frozen=True, slots=True)
class SystemCalls:
    """The calls by which anything reaches the disk."""

    open: Callable[[Path, int], int] = lambda path, flags: os.open(path, flags, 0o666)
    write: Callable[[int, memoryview], int] = os.write
    fsync: Callable[[int], None] = os.fsync
    close: Callable[[int], None] = os.close
    rename: Callable[[Path, Path], None] = os.rename
    mkdir: Callable[[Path], None] = os.mkdir
    unlink: Callable[[Path], None] = os.unlink
    rmtree: Callable[[Path], None] = shutil.rmtree


system = SystemCalls()

#: Who writes, in the names of unfinished files: this process, or a task that one process after the
#: other may run, each of which then knows what is left of the ones before.
writer = ""


@contextmanager
def written_as(name: str) -> Iterator[None]:
    """Sign what is being written with a name in place of this process's."""
    global writer
    before, writer = writer, name
    try:
        yield
    finally:
        writer = before


def commit_file(target: Path, data: bytes) -> None:
    """Put a file in place, whole and durable, over an older one if there is one."""
    with named_failures(target):
        make_folder(target.parent)
        temporary = _beside(target, TEMPORARY)
        try:
            _write(temporary, data)
            system.rename(temporary, target)
        except Exception:
            temporary.unlink(missing_ok=True)
            raise
        _sync(target.parent)


def commit_folder(
    target: Path, write: Callable[[Path], None], *, replace: bool = False
) -> Manifest:
    """Put a folder in place, whole and durable; `write` fills the folder that it is given.

    With `replace` an older folder makes way; where a crash falls between the two renames,
    `clean_stale` puts the older one back.
    """
    with named_failures(target):
        if _occupied(target) and not replace:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        make_folder(target.parent)
        temporary = _beside(target, TEMPORARY)
        try:
            system.mkdir(temporary)
            write(temporary)
            manifest = _seal(temporary)
            replaced = _put_in_place(temporary, target)
        except Exception:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        _sync(target.parent)
        if replaced:
            remove_folder(replaced)
        return manifest


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, durably; nothing happens where it is there."""
    with named_failures(folder):
        if folder.is_dir():
            return
        make_folder(folder.parent)
        with suppress(FileExistsError):
            system.mkdir(folder)
        _sync(folder.parent)


def remove_folder(folder: Path) -> None:
    """Take a folder away: at once by its name, and then what it holds."""
    with named_failures(folder):
        trash = _beside(folder, TRASH)
        system.rename(folder, trash)
        _sync(folder.parent)
        system.rmtree(trash)


def set_aside(folder: Path) -> Path:
    """Free a folder's name and keep what it holds, under a name that says it is damaged."""
    with named_failures(folder):
        aside = _beside(folder, DAMAGED)
        system.rename(folder, aside)
        _sync(folder.parent)
        return aside


def append_line(path: Path, line: str) -> None:
    """Add a line to a file in one write; it is not forced to the disk.

    Where a crash tore the last line, the new one begins below it.
    """
    with named_failures(path):
        descriptor = system.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        try:
            size = os.fstat(descriptor).st_size
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            _write_all(descriptor, (("\n" if torn else "") + line + "\n").encode())
        finally:
            system.close(descriptor)


def clean_stale(folder: Path, *, of: str | None = None) -> None:
    """Finish what a crash left half done in a folder; only for who holds the run's lock.

    `of` names the one writer whose files these are, where others are at work in the folder.
    """
    with named_failures(folder):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if of is not None and path.name.split("-")[-2:-1] != [of]:
                continue
            target = folder / path.name.removeprefix(REPLACED).rsplit("-", 2)[0]
            if path.name.startswith(REPLACED) and not target.exists():
                system.rename(path, target)
                _sync(folder)
            elif path.name.startswith((TEMPORARY, REPLACED, TRASH)):
                whole_folder = path.is_dir() and not path.is_symlink()
                system.rmtree(path) if whole_folder else system.unlink(path)


def require_space(folder: Path, size: int) -> None:
    """Refuse to begin a write that the disk has no room for."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise StorageError(
            f"`{folder}` needs {_amount(size)} of free space and has {_amount(free)}",
            help="make room on that disk and resume; what was committed before is whole",
        )


def _amount(size: int) -> str:
    return f"{size / 1e6:,.0f} MB" if size >= 10e6 else f"{size / 1e3:,.0f} kB"


def _put_in_place(temporary: Path, target: Path) -> Path | None:
    """Rename a sealed folder to its name; gives where the older one went, if there was one."""
    if not _occupied(target):
        system.rename(temporary, target)
        return None
    replaced = _beside(target, REPLACED)
    system.rename(target, replaced)
    try:
        system.rename(temporary, target)
    except Exception:
        system.rename(replaced, target)
        raise
    return replaced


def _occupied(target: Path) -> bool:
    """Whether something is there; an empty folder is not, and a rename takes its place."""
    return target.exists() and not (target.is_dir() and next(target.iterdir(), None) is None)


def _seal(folder: Path) -> Manifest:
    """Force every file to the disk, then write the manifest that says which they are."""
    files = []
    for parent, folders, names in os.walk(folder, topdown=False):
        for path in (Path(parent, name) for name in names):
            _sync(path)
            relative = path.relative_to(folder).as_posix()
            files.append(ManifestFile(relative, path.stat().st_size, sha256_of(path)))
        for path in (Path(parent, name) for name in folders):
            _sync(path)
    manifest = Manifest(tuple(sorted(files, key=lambda file: file.path)))
    _write(folder / MANIFEST, manifest.to_json())
    _sync(folder)
    return manifest


def _write(path: Path, data: bytes) -> None:
    descriptor = system.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        _write_all(descriptor, data)
        system.fsync(descriptor)
    finally:
        system.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[system.write(descriptor, rest) :]


def _sync(path: Path) -> None:
    """Force a file, or the names in a folder, to the disk.

    A failure is final: Linux marks the pages clean, and a second fsync would say all is well.
    """
    descriptor = system.open(path, os.O_RDONLY)
    try:
        system.fsync(descriptor)
    finally:
        system.close(descriptor)


def _beside(target: Path, prefix: str) -> Path:
    name = target.name.removeprefix(REPLACED)
    return target.with_name(f"{prefix}{name}-{writer or os.getpid()}-{secrets.token_hex(4)}")
