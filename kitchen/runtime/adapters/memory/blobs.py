"""The `blobs` port in memory."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path

from kitchen.runtime.adapter import NoConfig
from kitchen.runtime.keys import require_key
from kitchen.runtime.manifest import MANIFEST, Manifest, ManifestFile
from kitchen.runtime.ports import AdapterError, Reference, Workspace


class MemoryBlobs:
    """Blobs as bytes, folders as bytes by path; the digests are those of the `files` adapter."""

    def __init__(self, config: NoConfig, workspace: Workspace) -> None:
        self.blobs: dict[str, bytes] = {}
        self.folders: dict[str, Mapping[str, bytes]] = {}

    def put(self, key: str, data: bytes) -> Reference:
        self.blobs[require_key(key)] = data
        return Reference(key, hashlib.sha256(data).hexdigest())

    def get(self, reference: Reference) -> bytes:
        data = self.blobs.get(require_key(reference.uri))
        if data is None:
            raise AdapterError(f"there is no blob `{reference.uri}`")
        if hashlib.sha256(data).hexdigest() != reference.digest:
            raise AdapterError(f"the blob `{reference.uri}` is not what was put there")
        return data

    def put_folder(self, key: str, folder: Path) -> Reference:
        files: dict[str, bytes] = {}
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise AdapterError(f"`{path}` is no plain file", help="put a copy in its place")
            if path.is_file() and path != folder / MANIFEST:
                files[path.relative_to(folder).as_posix()] = path.read_bytes()
        self.folders[require_key(key)] = files
        return Reference(key, _manifest(files).digest)

    def get_folder(self, reference: Reference) -> Path:
        files = self.folders.get(require_key(reference.uri))
        if files is None:
            raise AdapterError(f"there is no blob `{reference.uri}`")
        if _manifest(files).digest != reference.digest:
            raise AdapterError(f"the blob `{reference.uri}` is not what was put there")
        local = Path(tempfile.mkdtemp(prefix="kitchen-"))
        weakref.finalize(self, shutil.rmtree, local, ignore_errors=True)
        for name, data in files.items():
            path = local / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return local

    def exists(self, key: str) -> bool:
        return require_key(key) in self.blobs or key in self.folders

    def list(self, prefix: str = "") -> list[str]:
        return sorted(key for key in (*self.blobs, *self.folders) if key.startswith(prefix))


def _manifest(files: Mapping[str, bytes]) -> Manifest:
    return Manifest(
        tuple(
            ManifestFile(name, len(data), hashlib.sha256(data).hexdigest())
            for name, data in sorted(files.items())
        )
    )
