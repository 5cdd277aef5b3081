"""What every `blobs` adapter promises."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from kitchen.runtime.plugins import adapters
from kitchen.runtime.ports import AdapterError, BlobStore, Reference, Workspace

NAMES = ("files", "memory")

HOSTILE = (
    *("", "/", "a/", "/a", "a//b", ".", "..", "../a", "a/../b", "a/..", "./a", "a/./b", "..."),
    *("a\0b", "a\\b", "C:a", "C:/a", "//server/a", "~/a", "a b", "a\nb", "a\n", "ä", "a%2e%2e"),
    *(".hidden", "a/.tmp-1", "\u202ea", "a\u2215b", "%2e%2e/a", "x" * 300, "a/" * 600 + "a"),
    *("file:///etc/passwd", "http://a/b", "a?b", "a#b", "a*b", "$(a)", "`a`", "{{a}}"),
)


@pytest.fixture(params=NAMES)
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    workspace = Workspace(tmp_path, tmp_path / "cache", tmp_path / "run")
    made: BlobStore = adapters()["blobs"][request.param].bind({}, workspace)
    return made


def folder(path: Path) -> Path:
    (path / "inner").mkdir(parents=True)
    (path / "a.txt").write_bytes(b"a")
    (path / "inner" / "b.bin").write_bytes(bytes(range(256)))
    (path / "inner" / "empty").touch()
    return path


def contents(path: Path) -> dict[str, bytes]:
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file() and file.name != "MANIFEST.json"
    }


def test_every_adapter_is_held_to_the_contract() -> None:
    assert set(NAMES) == set(adapters()["blobs"])


def test_bytes_come_back(blobs: BlobStore) -> None:
    reference = blobs.put("a/b-1_2.bin", b"\0data")
    assert reference.digest == hashlib.sha256(b"\0data").hexdigest()
    assert blobs.get(reference) == b"\0data"
    assert blobs.exists("a/b-1_2.bin")
    assert not blobs.exists("a")


def test_a_key_has_what_was_put_there_last(blobs: BlobStore) -> None:
    first = blobs.put("a", b"1")
    second = blobs.put("a", b"2")
    assert blobs.get(second) == b"2"
    with pytest.raises(AdapterError, match="not what was put there"):
        blobs.get(first)


def test_folders_come_back(blobs: BlobStore, tmp_path: Path) -> None:
    source = folder(tmp_path / "source")
    reference = blobs.put_folder("weights/final", source)
    assert contents(blobs.get_folder(reference)) == contents(source)
    assert blobs.exists("weights/final")
    assert not blobs.exists("weights")


def test_a_folder_that_came_back_can_be_put_again(blobs: BlobStore, tmp_path: Path) -> None:
    first = blobs.put_folder("one", folder(tmp_path / "source"))
    second = blobs.put_folder("two", blobs.get_folder(first))
    assert second.digest == first.digest


def test_digests_are_the_same_everywhere(tmp_path: Path) -> None:
    source = folder(tmp_path / "source")
    digests = set()
    for name in NAMES:
        workspace = Workspace(tmp_path, tmp_path / "cache", tmp_path / name)
        digests.add(adapters()["blobs"][name].bind({}, workspace).put_folder("a", source).digest)
    assert len(digests) == 1


def test_what_is_missing_is_said(blobs: BlobStore) -> None:
    with pytest.raises(AdapterError, match="there is no blob `a`"):
        blobs.get(Reference("a", "0" * 64))
    with pytest.raises(AdapterError, match="there is no blob `a`"):
        blobs.get_folder(Reference("a", "0" * 64))


def test_a_folder_of_another_digest_is_refused(blobs: BlobStore, tmp_path: Path) -> None:
    reference = blobs.put_folder("a", folder(tmp_path / "source"))
    with pytest.raises(AdapterError, match="not what was put there"):
        blobs.get_folder(replace(reference, digest="0" * 64))


def test_keys_are_listed(blobs: BlobStore, tmp_path: Path) -> None:
    assert blobs.list() == []
    for key in ("b/2", "b/10", "a", "ba"):
        blobs.put(key, b"")
    blobs.put_folder("b/weights", folder(tmp_path / "source"))
    assert blobs.list() == ["a", "b/10", "b/2", "b/weights", "ba"]
    assert blobs.list("b/") == ["b/10", "b/2", "b/weights"]
    assert blobs.list("c") == []


@pytest.mark.parametrize("key", HOSTILE)
def test_a_key_never_leads_out(blobs: BlobStore, key: str, tmp_path: Path) -> None:
    source = folder(tmp_path / "source")
    before = sorted(tmp_path.rglob("*"))
    for call in (
        lambda: blobs.put(key, b""),
        lambda: blobs.get(Reference(key, "")),
        lambda: blobs.put_folder(key, source),
        lambda: blobs.get_folder(Reference(key, "")),
        lambda: blobs.exists(key),
    ):
        with pytest.raises(AdapterError, match="is no key of a blob"):
            call()
    assert sorted(tmp_path.rglob("*")) == before


def test_links_are_not_followed_into_a_blob(blobs: BlobStore, tmp_path: Path) -> None:
    source = folder(tmp_path / "source")
    os.symlink("/etc/hostname", source / "link")
    with pytest.raises(AdapterError, match="is no plain file"):
        blobs.put_folder("a", source)
    assert not blobs.exists("a")
