"""Writing whole or not at all, and reading what was written."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kitchen.runtime import store
from kitchen.runtime.store import StorageError


def fill(content: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "weights").write_text(content)
        (folder / "part").mkdir()
        (folder / "part" / "empty").touch()

    return write


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_file_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    target = tmp_path / "new" / "status.json"
    store.commit_file(target, b"1")
    store.commit_file(target, b"22")
    assert target.read_bytes() == b"22"
    assert names(tmp_path) == ["new", "new/status.json"]


def test_a_large_file_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may take less than it is given."""
    some = replace(store.system, write=lambda file, data: os.write(file, data[:1000]))
    monkeypatch.setattr(store, "system", some)
    store.commit_file(tmp_path / "large", bytes(range(256)) * 64)
    assert (tmp_path / "large").read_bytes() == bytes(range(256)) * 64


def test_a_folder_says_what_it_holds(tmp_path: Path) -> None:
    manifest = store.commit_folder(tmp_path / "a", fill("words"))
    assert names(tmp_path) == ["a", "a/MANIFEST.json", "a/part", "a/part/empty", "a/weights"]
    digest = hashlib.sha256(b"words").hexdigest()
    assert [(file.path, file.size) for file in manifest.files] == [
        ("part/empty", 0),
        ("weights", 5),
    ]
    assert manifest.files[1].sha256 == digest
    assert manifest.size == 5
    assert store.read_manifest(tmp_path / "a") == manifest
    assert not store.verify_folder(tmp_path / "a", hashes=True)


def test_a_digest_is_of_the_content_alone(tmp_path: Path) -> None:
    first = store.commit_folder(tmp_path / "a", fill("words"))
    again = store.commit_folder(tmp_path / "b", fill("words"))
    other = store.commit_folder(tmp_path / "c", fill("other"))
    assert first.digest == again.digest != other.digest


def test_a_folder_is_replaced_only_when_asked(tmp_path: Path) -> None:
    store.commit_folder(tmp_path / "a", fill("old"))
    with pytest.raises(StorageError, match=r"`.*/a` was not written: file exists"):
        store.commit_folder(tmp_path / "a", fill("new"))
    assert (tmp_path / "a/weights").read_text() == "old"
    store.commit_folder(tmp_path / "a", fill("new"), replace=True)
    assert (tmp_path / "a/weights").read_text() == "new"
    assert {path.name for path in tmp_path.iterdir()} == {"a"}


def test_an_empty_folder_is_free(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    store.commit_folder(tmp_path / "a", fill("new"))
    assert (tmp_path / "a/weights").read_text() == "new"


def test_who_fails_to_fill_a_folder_leaves_nothing(tmp_path: Path) -> None:
    def write(folder: Path) -> None:
        (folder / "weights").touch()
        raise KeyError("of the writer")

    with pytest.raises(KeyError, match="of the writer"):
        store.commit_folder(tmp_path / "a", write)
    assert not names(tmp_path)


@pytest.mark.parametrize(
    ("number", "message", "help"),
    [
        (errno.ENOSPC, "no space left on device", "make room on that disk and resume"),
        (errno.EIO, "input/output error", "look at the disk's health"),
        (errno.EROFS, "read-only file system", "make the folder writable"),
    ],
)
def test_what_the_disk_said_is_said_in_words(
    number: int, message: str, help: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def fail(descriptor: int) -> None:
        calls.append(descriptor)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(store, "system", replace(store.system, fsync=fail))
    with pytest.raises(StorageError, match=f"was not written: {message}") as caught:
        store.commit_file(tmp_path / "a", b"1")
    assert caught.value.help.startswith(help)
    assert len(calls) == 1, "a failed fsync must not be tried again"
    assert not names(tmp_path)


def test_what_a_library_said_of_the_disk_is_understood(tmp_path: Path) -> None:
    """safetensors and tokenizers raise exceptions of their own."""

    def write(folder: Path) -> None:
        raise RuntimeError("I/O error: No space left on device (os error 28)")

    with pytest.raises(StorageError, match="no space left on device") as caught:
        store.commit_folder(tmp_path / "a", write)
    assert caught.value.help.startswith("make room")


def test_room_is_asked_for_first(tmp_path: Path) -> None:
    store.require_space(tmp_path, 1)
    with pytest.raises(StorageError, match=r"needs 1,000,000,000,000 MB of free space and has"):
        store.require_space(tmp_path, 10**18)


def test_a_torn_line_ends_where_the_next_begins(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    store.append_line(path, "one")
    with path.open("a") as file:
        file.write("tw")
    store.append_line(path, "three")
    assert path.read_text() == "one\ntw\nthree\n"


def test_what_a_crash_left_is_cleaned(tmp_path: Path) -> None:
    store.commit_folder(tmp_path / "kept", fill("kept"))
    (tmp_path / "kept").rename(tmp_path / ".old-lost-two-1-ab")
    store.commit_folder(tmp_path / "kept", fill("kept"))
    (tmp_path / ".old-kept-1-ab").mkdir()
    (tmp_path / ".tmp-kept-1-ab").mkdir()
    (tmp_path / ".tmp-file-1-ab").touch()
    (tmp_path / ".trash-kept-1-ab" / "part").mkdir(parents=True)
    (tmp_path / ".tmp-link-1-ab").symlink_to(tmp_path / "kept")
    (tmp_path / ".hidden").touch()
    store.clean_stale(tmp_path)
    store.clean_stale(tmp_path / "not there")
    assert {path.name for path in tmp_path.iterdir()} == {"kept", "lost-two", ".hidden"}
    assert not store.verify_folder(tmp_path / "kept", hashes=True)
    assert not store.verify_folder(tmp_path / "lost-two", hashes=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"schema": 1}',
        '{"schema": 2, "files": []}',
        '{"schema": 1, "files": [{"path": "weights"}]}',
        '{"schema": 1, "files": [{"path": "/etc/hosts", "size": 1, "sha256": ""}]}',
        '{"schema": 1, "files": [{"path": "../weights", "size": 1, "sha256": ""}]}',
        '{"schema": 1, "files": [{"path": 3, "size": 1, "sha256": ""}]}',
        '{"schema": 1, "files": ' + "[" * 100_000,
        "\x00" * 64,
    ],
    ids=lambda text: text[:24] or "empty",
)
def test_a_manifest_that_is_none_is_a_fault(text: str, tmp_path: Path) -> None:
    (tmp_path / "MANIFEST.json").write_text(text)
    [fault] = store.verify_folder(tmp_path, hashes=True)
    assert "MANIFEST.json` cannot be read" in fault


def test_no_manifest_is_a_fault(tmp_path: Path) -> None:
    assert store.verify_folder(tmp_path, hashes=False) == [f"`{tmp_path}` has no manifest"]


def test_each_damaged_file_is_named(tmp_path: Path) -> None:
    store.commit_folder(tmp_path / "a", fill("words"))
    (tmp_path / "a/weights").write_text("wards")
    assert not store.verify_folder(tmp_path / "a", hashes=False)
    (tmp_path / "a/part/empty").unlink()
    missing, changed = store.verify_folder(tmp_path / "a", hashes=True)
    assert "part/empty` cannot be read" in missing
    assert changed == f"`{tmp_path}/a/weights` does not hold the bytes that were written"
    (tmp_path / "a/weights").write_text("word")
    assert f"`{tmp_path}/a/weights` has 4 bytes, and 5 were written" in store.verify_folder(
        tmp_path / "a", hashes=False
    )


def test_a_manifest_is_plain_json(tmp_path: Path) -> None:
    manifest = store.commit_folder(tmp_path / "a", fill("words"))
    data = json.loads((tmp_path / "a/MANIFEST.json").read_text())
    assert data["schema"] == 1
    assert [file["path"] for file in data["files"]] == [file.path for file in manifest.files]
