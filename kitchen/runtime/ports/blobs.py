"""The `blobs` port: bytes and folders under keys."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from kitchen.ir.frozen import frozen


@frozen
class Reference:
    """Something in a blob store: where it is and the digest of its bytes (SHA-256, hex)."""

    uri: str
    digest: str


class BlobStore(Protocol):
    """Keeps bytes and folders under keys. A key is relative, of `[A-Za-z0-9._-]` and `/`."""

    def put(self, key: str, data: bytes) -> Reference: ...

    def get(self, reference: Reference) -> bytes:
        """The bytes; raises AdapterError where they are missing or are not those of the digest."""
        ...

    def put_folder(self, key: str, folder: Path) -> Reference: ...

    def get_folder(self, reference: Reference) -> Path:
        """A local folder with the files, checked against the digest."""
        ...

    def exists(self, key: str) -> bool: ...

    def list(self, prefix: str = "") -> list[str]: ...
