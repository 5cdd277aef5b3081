"""Keys of blobs: relative, in plain letters, and never a way out of where blobs are kept."""

from __future__ import annotations

import re

from kitchen.runtime.ports import AdapterError

PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
LONGEST = 1000


def require_key(key: str) -> str:
    """The key, if it is one: parts of `[A-Za-z0-9._-]` joined by `/`, none beginning with a dot."""
    if len(key) <= LONGEST and all(PART.fullmatch(part) for part in key.split("/")):
        return key
    raise AdapterError(
        f"{key[:LONGEST]!r} is no key of a blob",
        help="a key is relative, its parts are of `A-Z a-z 0-9 . _ -`, and none begins with a dot",
    )
