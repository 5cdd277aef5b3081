"""Arrays of values on the disk: kept once, however many checkpoints hold them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kitchen.runtime import encoding, store
from kitchen.runtime.encoding import Arrays
from tests.recipes.running import run_file
from tests.recipes.test_distillation import STUDENT, write

LARGE = 1 << 16


def kept(folder: Path, before: Arrays | None, *arrays: np.ndarray) -> Arrays:
    made = Arrays(folder, before)
    for array in arrays:
        made.keep(array)
    return made


def files(folder: Path) -> list[int]:
    """The inode of each file: two names of one file have the same."""
    return [path.stat().st_ino for path in sorted(folder.iterdir())]


def test_what_does_not_change_is_written_once(tmp_path: Path) -> None:
    same, changed = np.arange(LARGE), np.arange(LARGE)
    first = kept(tmp_path / "1", None, same, changed)
    second = kept(tmp_path / "2", first, same, changed + 1)
    third = kept(tmp_path / "3", second, same, changed)
    inodes = [files(tmp_path / name) for name in "123"]
    assert inodes[0][0] == inodes[1][0] == inodes[2][0]
    assert len({of[1] for of in inodes}) == 3
    for path in (tmp_path / "1").iterdir():
        path.unlink()
    np.testing.assert_array_equal(third.fetch(0), same)
    np.testing.assert_array_equal(second.fetch(1), changed + 1)


def test_what_was_read_is_not_written_again(tmp_path: Path) -> None:
    """A run that goes on keeps what it found, too."""
    kept(tmp_path / "1", None, np.arange(LARGE))
    found = Arrays(tmp_path / "1")
    kept(tmp_path / "2", found, found.fetch(0))
    assert files(tmp_path / "1") == files(tmp_path / "2")


@pytest.mark.parametrize("fault", ["damaged", "cut off", "gone", "changed in place"])
def test_nothing_is_taken_over_that_is_not_the_array(tmp_path: Path, fault: str) -> None:
    array = np.arange(LARGE)
    first = kept(tmp_path / "1", None, array)
    (path,) = (tmp_path / "1").iterdir()
    data = bytearray(path.read_bytes())
    match fault:
        case "damaged":
            data[-3] ^= 1
            path.write_bytes(data)
        case "cut off":
            path.write_bytes(data[:-8])
        case "gone":
            path.unlink()
        case "changed in place":
            array[7] = -1
    second = kept(tmp_path / "2", first, array)
    np.testing.assert_array_equal(second.fetch(0), array)


def test_small_arrays_and_new_ones_are_written(tmp_path: Path) -> None:
    small = np.arange(9)
    first = kept(tmp_path / "1", None, small, np.arange(LARGE))
    second = kept(tmp_path / "2", first, small, np.arange(LARGE))
    assert not set(files(tmp_path / "1")) & set(files(tmp_path / "2"))
    np.testing.assert_array_equal(second.fetch(0), small)


def test_checkpoints_share_the_soft_targets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "SMALL", 1)
    ports = ("training", "sampling")
    noop: dict[str, object] = {f"adapters__{port}": "noop" for port in ports}
    recipe = write(tmp_path, "distillation", STUDENT)
    ran = run_file(recipe, tmp_path / "run", checkpoint_every=1, **noop)
    one, other = sorted((ran.folder / "checkpoints").iterdir())
    assert set(files(one / "arrays")) == set(files(other / "arrays"))
    assert not store.verify_folder(one, hashes=True) + store.verify_folder(other, hashes=True)
