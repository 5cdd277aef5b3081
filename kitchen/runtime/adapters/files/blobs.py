"""The `blobs` port over a folder."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from kitchen.runtime.adapter import NoConfig
from kitchen.runtime.keys import require_key
from kitchen.runtime.manifest import MANIFEST, StorageError, read_manifest, verify_folder
from kitchen.runtime.ports import AdapterError, Reference, Workspace
from kitchen.runtime.store import commit_file, commit_folder


class FileBlobs:
    """Blobs as files, and folders with a manifest, under `blobs/` in the run's folder.

    A reference's `uri` is the key: the run's folder can be moved with all that is in it.
    """

    def __init__(self, config: NoConfig, workspace: Workspace) -> None:
        if workspace.run is None:
            raise AdapterError("`blobs: files` writes into a run's folder, and nothing is run")
        self._root = workspace.run / "blobs"

    def put(self, key: str, data: bytes) -> Reference:
        commit_file(self._path(key), data)
        return Reference(key, hashlib.sha256(data).hexdigest())

    def get(self, reference: Reference) -> bytes:
        try:
            data = self._path(reference.uri).read_bytes()
        except OSError as cause:
            raise _missing(reference) from cause
        if hashlib.sha256(data).hexdigest() != reference.digest:
            raise _changed(reference)
        return data

    def put_folder(self, key: str, folder: Path) -> Reference:
        target = self._path(key)
        manifest = commit_folder(target, lambda copy: copy_files(folder, copy), replace=True)
        return Reference(key, manifest.digest)

    def get_folder(self, reference: Reference) -> Path:
        folder = self._path(reference.uri)
        if not folder.is_dir():
            raise _missing(reference)
        try:
            digest = read_manifest(folder).digest
        except StorageError as cause:
            raise _changed(reference) from cause
        if digest != reference.digest or verify_folder(folder, hashes=True):
            raise _changed(reference)
        return folder

    def exists(self, key: str) -> bool:
        path = self._path(key)
        return path.is_file() or (path / MANIFEST).is_file()

    def list(self, prefix: str = "") -> list[str]:
        return sorted(key for key in _keys(self._root, "") if key.startswith(prefix))

    def _path(self, key: str) -> Path:
        path = self._root / require_key(key)
        if not path.resolve().is_relative_to(self._root.resolve()):
            raise AdapterError(
                f"`{key}` leads out of `{self._root}` by a link", help="remove the link"
            )
        return path


def _keys(folder: Path, prefix: str) -> list[str]:
    keys: list[str] = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.startswith(".") or path.is_symlink():
            continue
        key = f"{prefix}{path.name}"
        if path.is_file() or (path / MANIFEST).is_file():
            keys.append(key)
        else:
            keys += _keys(path, f"{key}/")
    return keys


def copy_files(source: Path, target: Path) -> None:
    """Copy the files of a folder, but for the manifest of one that was committed."""
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise AdapterError(f"`{path}` is no plain file", help="put a copy in its place")
        if path.is_dir():
            copy.mkdir()
        elif path != source / MANIFEST:
            shutil.copyfile(path, copy)


def _missing(reference: Reference) -> AdapterError:
    return AdapterError(f"there is no blob `{reference.uri}`", help="it was never put, or removed")


def _changed(reference: Reference) -> AdapterError:
    return AdapterError(
        f"the blob `{reference.uri}` is not what was put there",
        help="make it anew: its digest is not the one it was referred to by",
    )
