"""What every `datasets` adapter promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kitchen.runtime.plugins import adapters
from kitchen.runtime.ports import DatasetStore, Workspace
from tests.runtime.data_files import QUESTIONS, write

SOURCES = ("rows.jsonl", "rows.csv", "rows.parquet", "rows.arrow", "rows.yml", "*.jsonl")
CASES = [("files", source) for source in SOURCES] + [("noop", "anything")]

every_store = pytest.mark.parametrize(("name", "source"), CASES)


def make(name: str, folder: Path) -> DatasetStore:
    for source in SOURCES[:-1]:
        write(folder / source, QUESTIONS)
    workspace = Workspace(folder, folder / "cache", folder / "run")
    made: DatasetStore = adapters()["datasets"][name].bind({}, workspace)
    return made


def test_every_adapter_is_held_to_the_contract() -> None:
    assert {name for name, _ in CASES} == set(adapters()["datasets"])


@every_store
def test_a_data_set_counts_its_rows(name: str, source: str, tmp_path: Path) -> None:
    store = make(name, tmp_path)
    dataset = store.open(source)
    assert dataset.uri == source
    assert len(dataset.digest) == 64
    assert dataset.rows == len(list(store.rows(dataset))) > 0


@every_store
def test_rows_come_in_order_again_and_again(name: str, source: str, tmp_path: Path) -> None:
    store = make(name, tmp_path)
    dataset = store.open(source)
    rows = list(store.rows(dataset))
    assert list(store.rows(dataset)) == rows
    assert [row.number for row in rows] == sorted({row.number for row in rows})
    assert all(row.uri and row.fields for row in rows)


@every_store
def test_another_store_opens_the_same(name: str, source: str, tmp_path: Path) -> None:
    dataset = make(name, tmp_path).open(source)
    other = make(name, tmp_path)
    assert other.open(source) == dataset
    assert len(list(make(name, tmp_path).rows(dataset))) == dataset.rows


@every_store
def test_a_selection_and_its_rest_are_the_whole(name: str, source: str, tmp_path: Path) -> None:
    store = make(name, tmp_path)
    dataset = store.open(source)
    low, high = (
        [row.number for row in store.rows(replace(dataset, keep=keep, seed=3))]
        for keep in ((0.0, 0.6), (0.6, 1.0))
    )
    assert low
    assert high
    assert sorted(low + high) == [row.number for row in store.rows(dataset)]


@every_store
def test_rows_are_read_as_they_are_asked_for(name: str, source: str, tmp_path: Path) -> None:
    store = make(name, tmp_path)
    rows = store.rows(store.open(source))
    assert iter(rows) is rows
    assert next(rows).number <= next(rows).number


MADE = [{"text": "ä\u2028\n", "number": 1}, {"text": "b", "list": [{"of": None}]}]


@every_store
def test_rows_that_are_put_are_a_data_set(name: str, source: str, tmp_path: Path) -> None:
    store = make(name, tmp_path)
    dataset = store.put("made-1", iter(MADE))
    assert dataset.rows == 2
    assert store.open(dataset.uri) == dataset
    assert [row.fields for row in store.rows(dataset)] == MADE
    assert store.open(source).digest != dataset.digest
    assert store.put("made-1", MADE) == dataset
    assert store.put("made-2", MADE[:1]).uri != dataset.uri
    changed = store.put("made-1", MADE[:1])
    assert changed.uri == dataset.uri
    assert [row.fields for row in store.rows(changed)] == MADE[:1]
    assert changed.digest != dataset.digest


@every_store
def test_rows_are_put_all_or_none(name: str, source: str, tmp_path: Path) -> None:
    store = make(name, tmp_path)
    dataset = store.put("made", MADE)

    def breaks_off() -> Iterator[Mapping[str, object]]:
        yield MADE[1]
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        store.put("made", breaks_off())
    assert [row.fields for row in store.rows(dataset)] == MADE


CHUNKS = (
    {"ends": np.zeros(1, np.int64), "ids": np.empty(0, np.int32)},
    {"ends": np.array([2], np.int64), "ids": np.array([5, 6], np.int32)},
    {"ends": np.array([3], np.int64), "ids": np.array([7], np.int32)},
    {"shares": np.array([0.5], np.float32)},
)
KEPT = {"ends": [0, 2, 3], "ids": [5, 6, 7], "shares": [0.5]}


@every_store
def test_columns_are_kept(name: str, source: str, tmp_path: Path) -> None:
    store = make(name, tmp_path)
    assert store.cached("key") is None
    for columns in (store.keep("key", iter(CHUNKS)), store.cached("key")):
        assert columns is not None
        assert {name: array.tolist() for name, array in columns.items()} == KEPT
        assert [columns[name].dtype for name in KEPT] == [np.int64, np.int32, np.float32]
        assert not any(array.flags.writeable for array in columns.values())
    assert store.cached("another") is None


@every_store
def test_columns_of_nothing_are_kept(name: str, source: str, tmp_path: Path) -> None:
    store = make(name, tmp_path)
    columns = store.keep("key", [{"ids": np.empty(0, np.int32)}])
    assert columns["ids"].tolist() == []
    assert columns["ids"].dtype == np.int32


@every_store
def test_columns_are_kept_whole_or_not_at_all(name: str, source: str, tmp_path: Path) -> None:
    store = make(name, tmp_path)

    def breaks_off() -> Iterator[Mapping[str, np.ndarray]]:
        yield CHUNKS[0]
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        store.keep("key", breaks_off())
    assert store.cached("key") is None
    store.keep("key", CHUNKS)
    with pytest.raises(RuntimeError, match="stop"):
        store.keep("key", breaks_off())
    kept = store.cached("key")
    assert kept is not None
    assert kept["ids"].tolist() == KEPT["ids"]
