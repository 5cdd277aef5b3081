"""What the disk refused, in words and with a cure."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kitchen.runtime.manifest import StorageError


@contextmanager
def named_failures(target: Path) -> Iterator[None]:
    """Say in words what the system said in a number. Raises StorageError."""
    try:
        yield
    except Exception as cause:
        number = _error_number(cause)
        if number is None:
            raise
        reason = os.strerror(number).lower()
        raise StorageError(f"`{target}` was not written: {reason}", help=_cure(number)) from cause


def _error_number(cause: Exception) -> int | None:
    """The system's number of a failure; libraries written in Rust have it in their message."""
    if isinstance(cause, OSError):
        return cause.errno
    found = re.search(r"\(os error (\d+)\)", str(cause))
    return int(found[1]) if found else None


def _cure(number: int) -> str:
    match number:
        case errno.ENOSPC | errno.EDQUOT:
            return "make room on that disk and resume; what was committed before is whole"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "make the folder writable, or choose another"
        case errno.EEXIST | errno.ENOTEMPTY:
            return "choose another name, or remove what is there"
        case _:
            return "look at the disk's health, then resume; what was committed before is whole"
