"""The stages from a source to tokens, called as functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from kitchen.runtime.ports import DataError
from kitchen.runtime.stages.data import (
    LoadDatasetConfig,
    LoadTokenizerConfig,
    SplitDatasetConfig,
    load_dataset,
    load_tokenizer,
    split_dataset,
)
from kitchen.runtime.values import Tokenizer
from tests.runtime.data_files import QUESTIONS, store, told, write
from tests.runtime.letters import LetterTokenizer


class Asked:
    """A `training` port that is asked for a tokenizer, and keeps what it could train it on."""

    def load_tokenizer(self, model: str, texts: Callable[[], Iterable[str]]) -> Tokenizer:
        self.model, self.texts = model, [list(texts()), list(texts())]
        return LetterTokenizer()


def test_a_source_becomes_a_data_set(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", QUESTIONS)
    files = store(tmp_path)
    dataset = load_dataset(config=LoadDatasetConfig(source="a.jsonl"), datasets=files)
    assert (dataset.uri, dataset.rows) == ("a.jsonl", 9)


@pytest.mark.parametrize(("fraction", "held_out"), [(0.1, 1), (0.34, 3), (0.01, 1), (0.99, 8)])
def test_a_split_holds_out_a_share(tmp_path: Path, fraction: float, held_out: int) -> None:
    write(tmp_path / "a.jsonl", QUESTIONS)
    files = store(tmp_path)
    dataset = files.open("a.jsonl")
    parts = split_dataset(dataset, config=SplitDatasetConfig(fraction=fraction, seed=5))
    assert parts.held_out.rows == held_out
    numbers = [[row.number for row in files.rows(part)] for part in parts]
    assert [len(one) for one in numbers] == [part.rows for part in parts]
    assert sorted(numbers[0] + numbers[1]) == list(range(1, 10))
    assert parts.train.digest == parts.held_out.digest == dataset.digest


def test_another_seed_holds_out_other_rows(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", QUESTIONS)
    files = store(tmp_path)
    dataset = files.open("a.jsonl")
    held_out = {
        tuple(
            row.number
            for row in files.rows(
                split_dataset(dataset, config=SplitDatasetConfig(fraction=0.3, seed=s)).held_out
            )
        )
        for s in range(8)
    }
    assert len(held_out) > 4


def test_nothing_may_be_held_out(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", QUESTIONS)
    files = store(tmp_path)
    dataset = files.open("a.jsonl")
    parts = split_dataset(dataset, config=SplitDatasetConfig(fraction=0))
    assert parts.train == dataset
    assert parts.held_out.rows == len(list(files.rows(parts.held_out))) == 0


def test_one_row_is_not_split(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", QUESTIONS[:1])
    dataset = store(tmp_path).open("a.jsonl")
    with pytest.raises(DataError) as refusal:
        split_dataset(dataset, config=SplitDatasetConfig(fraction=0.1))
    assert told(refusal.value) == (
        "`a.jsonl`: it has one row, and a part of the rows is to be held out\n"
        "help: add rows, or hold out nothing\n"
    )


def test_a_part_is_not_split(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", QUESTIONS)
    config = SplitDatasetConfig(fraction=0.5)
    part = split_dataset(store(tmp_path).open("a.jsonl"), config=config).train
    with pytest.raises(DataError, match="only a whole one is split"):
        split_dataset(part, config=config)


@pytest.mark.parametrize(
    ("rows", "texts"),
    [
        ([{"prompt": "a", "completion": "b"}, {"prompt": "c", "completion": "d"}], ["ab", "cd"]),
        ([{"text": "a"}], ["a"]),
        ([{"question": "a", "answer": "b"}], ["a", "b"]),
    ],
)
def test_a_tokenizer_is_trained_on_what_people_wrote(
    tmp_path: Path, rows: list[dict[str, Any]], texts: list[str]
) -> None:
    write(tmp_path / "a.jsonl", rows)
    files, training = store(tmp_path), Asked()
    config = LoadTokenizerConfig(model="tiny")
    load_tokenizer(
        files.open("a.jsonl"),
        config=config,
        training=training,  # type: ignore[arg-type]
        datasets=files,
    )
    assert training.model == "tiny"
    assert training.texts == [texts, texts]


def test_a_tokenizer_is_trained_on_the_format_that_is_said(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [{"question": "a", "answer": "b", "text": "c"}])
    files, training = store(tmp_path), Asked()
    config = LoadTokenizerConfig(model="tiny", format="text")
    load_tokenizer(
        files.open("a.jsonl"),
        config=config,
        training=training,  # type: ignore[arg-type]
        datasets=files,
    )
    assert training.texts[0] == ["c"]
