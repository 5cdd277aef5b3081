"""One writer at a time: a lock that the kernel lets go when its holder dies."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kitchen.runtime.manifest import StorageError

ATTEMPTS = 5
PAUSE = 0.02  # someone who only asks `is_locked` holds the lock for a moment


class LockHeld(Exception):
    """Another process holds the lock: the message says which."""

    def __init__(self, message: str, *, help: str) -> None:
        super().__init__(message)
        self.help = help


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock on a file, or raise LockHeld at once; the file itself always stays."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as cause:
        raise StorageError(
            f"`{path}` cannot be opened: {os.strerror(cause.errno or 0).lower()}",
            help="the folder of a run must be there, and writable by who goes on with it",
        ) from cause
    try:
        if not _take(descriptor):
            raise LockHeld(
                f"`{path.parent}` is in use by {_holder(descriptor)}",
                help="wait for that process to end, or stop it; the lock goes with it",
            )
        about = {"pid": os.getpid(), "host": socket.gethostname(), "since": int(time.time())}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(about).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock on a file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _take(descriptor: int) -> bool:
    for _ in range(ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(PAUSE)
    return False


def _holder(descriptor: int) -> str:
    try:
        about = json.loads(os.pread(descriptor, 4096, 0))
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(about["since"]))
        return f"process {int(about['pid'])} on {about['host']} since {since}"
    except (ValueError, TypeError, KeyError, OverflowError):
        return "another process"
