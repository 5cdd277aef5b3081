"""Blobs in files: nothing leads out of their folder, and damage is seen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kitchen.runtime.adapter import NoConfig
from kitchen.runtime.adapters.files.blobs import FileBlobs
from kitchen.runtime.ports import AdapterError, Workspace


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    return FileBlobs(NoConfig(), Workspace(tmp_path, tmp_path / "cache", tmp_path / "run"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "run" / "blobs").mkdir(parents=True)
    return tmp_path / "run" / "blobs"


def test_blobs_are_files_of_the_run(blobs: FileBlobs, root: Path) -> None:
    blobs.put("a/b", b"data")
    assert (root / "a" / "b").read_bytes() == b"data"


def test_a_link_does_not_lead_out(blobs: FileBlobs, root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_bytes(b"secret")
    os.symlink(tmp_path / "secret", root / "out")
    os.symlink(tmp_path / "secret" / "key", root / "key")
    for key in ("out/key", "out/new", "key"):
        with pytest.raises(AdapterError, match="by a link"):
            blobs.put(key, b"")
        with pytest.raises(AdapterError, match="by a link"):
            blobs.exists(key)
    assert blobs.list() == []
    assert [path.name for path in (tmp_path / "secret").iterdir()] == ["key"]


def test_damage_is_seen(blobs: FileBlobs, root: Path, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a").write_bytes(b"aaaa")
    one, folder = blobs.put("one", b"data"), blobs.put_folder("folder", tmp_path / "source")
    (root / "one").write_bytes(b"daaa")
    (root / "folder" / "a").write_bytes(b"aaab")
    with pytest.raises(AdapterError, match="`one` is not what was put there"):
        blobs.get(one)
    with pytest.raises(AdapterError, match="`folder` is not what was put there"):
        blobs.get_folder(folder)
    (root / "folder" / "MANIFEST.json").unlink()
    with pytest.raises(AdapterError, match="`folder` is not what was put there"):
        blobs.get_folder(folder)


def test_a_run_s_folder_can_be_moved(blobs: FileBlobs, tmp_path: Path) -> None:
    reference = blobs.put("a", b"data")
    (tmp_path / "run").rename(tmp_path / "moved")
    moved = FileBlobs(NoConfig(), Workspace(tmp_path, tmp_path, tmp_path / "moved"))
    assert moved.get(reference) == b"data"


def test_blobs_need_a_run(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="nothing is run"):
        FileBlobs(NoConfig(), Workspace(tmp_path, tmp_path))
