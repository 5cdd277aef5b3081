"""One writer at a time, across processes, and never a lock that outlives its holder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kitchen.runtime.lock import LockHeld, is_locked, locked
from kitchen.runtime.manifest import StorageError

HOLD = """
import sys, time
from pathlib import Path
from kitchen.runtime.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def another_holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_told_who_is_first(tmp_path: Path) -> None:
    path = tmp_path / "LOCK"
    assert not is_locked(path)
    with another_holder(path) as process:
        assert is_locked(path)
        wanted = (
            rf"`{tmp_path}` is in use by process {process.pid} on {os.uname().nodename} since 2"
        )
        with pytest.raises(LockHeld, match=wanted), locked(path):
            pytest.fail("two hold the lock")


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "LOCK"
    with another_holder(path) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert path.exists()
        assert not is_locked(path)
        with locked(path):
            assert is_locked(path)
    assert not is_locked(path)


def test_who_asks_does_not_hold(tmp_path: Path) -> None:
    path = tmp_path / "LOCK"
    path.touch()
    assert not is_locked(path)
    with locked(path):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x", "host": 1, "since": 1e300}'])
def test_an_unreadable_holder_is_a_process_all_the_same(text: str, tmp_path: Path) -> None:
    path = tmp_path / "LOCK"
    with locked(path):
        path.write_text(text)
        with pytest.raises(LockHeld, match="in use by another process"), locked(path):
            pytest.fail("two hold the lock")


def test_no_folder_no_lock(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"), locked(tmp_path / "no" / "LOCK"):
        pytest.fail("a lock on nothing")
