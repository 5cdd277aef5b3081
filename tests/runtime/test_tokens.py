"""Tokens: made once, kept under all that decides them, at constant memory."""

from __future__ import annotations

import tracemalloc
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kitchen.runtime import tokens as tokens_module
from kitchen.runtime.adapter import NoConfig
from kitchen.runtime.adapters.files.datasets import FileDatasets
from kitchen.runtime.adapters.noop.datasets import NoopDatasets
from kitchen.runtime.ports import DataError, Row, Workspace
from kitchen.runtime.rendering import marked
from kitchen.runtime.stages.data import TokenizeConfig, tokenize
from kitchen.runtime.tokens import RenderOptions, token_chunks, tokenize_dataset, tokens_key
from kitchen.runtime.values import Dataset, Tokens
from tests.runtime import letters
from tests.runtime.data_files import QUESTIONS, store, told, write
from tests.runtime.letters import LetterTokenizer

NOTHING: dict[str, Any] = {"messages": [{"role": "user", "content": "Anyone?"}]}


def talk(answer: str) -> dict[str, Any]:
    said = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": answer}]
    return {"messages": said}


def shown(tokens: Tokens, tokenizer: LetterTokenizer) -> list[str]:
    bounds = zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True)
    return [marked(tokens.tokens[a:b], tokens.weights[a:b], tokenizer) for a, b in bounds]


def test_rows_become_sequences(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [talk("one"), NOTHING, talk("three"), talk("")])
    files, tokenizer = store(tmp_path), LetterTokenizer()
    tokens = tokenize(
        files.open("a.jsonl"), tokenizer, config=TokenizeConfig(max_length=22), datasets=files
    )
    assert shown(tokens, tokenizer) == [
        "User: Q\nAssistant:⟦ one⟧",
        "User: Q\nAssistant:⟦ thr⟧",
        "User: Q\nAssistant:⟦</s>⟧",
    ]
    assert (tokens.sequences, tokens.trained, tokens.truncated, tokens.dropped) == (3, 9, 2, 1)
    assert tokens.bytes == 3 + 4
    assert tokens.trained == np.count_nonzero(tokens.weights)
    assert (tokens.tokens.dtype, tokens.weights.dtype) == (np.int32, np.float32)
    assert not tokens.tokens.flags.owndata


def test_tokens_are_made_once(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", QUESTIONS)
    first, second = LetterTokenizer(), LetterTokenizer()
    made = tokenize_dataset(
        store(tmp_path).open("a.jsonl"), first, RenderOptions(), store(tmp_path)
    )
    assert first.encoded
    files = store(tmp_path)
    again = tokenize_dataset(files.open("a.jsonl"), second, RenderOptions(), files)
    assert not second.encoded
    for name in ("digest", "sequences", "trained", "truncated", "dropped", "bytes"):
        assert getattr(again, name) == getattr(made, name)
    for name in ("tokens", "weights", "offsets"):
        assert getattr(again, name).tolist() == getattr(made, name).tolist()


def test_everything_that_decides_the_tokens_is_in_their_digest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset, tokenizer, options = Dataset("a.jsonl", "d", 9), LetterTokenizer(), RenderOptions()
    keys = [tokens_key(dataset, tokenizer, options)]
    keys += [
        tokens_key(other, tokenizer, options)
        for other in (
            replace(dataset, digest="e"),
            replace(dataset, keep=(0.0, 0.5)),
            replace(dataset, keep=(0.0, 0.5), seed=1),
        )
    ]
    keys += [
        tokens_key(dataset, other, options)
        for other in (LetterTokenizer(letters.ends_bare), LetterTokenizer(begins=True))
    ]
    keys += [
        tokens_key(dataset, tokenizer, other)
        for other in (
            replace(options, format="text"),
            replace(options, train_on="all"),
            replace(options, max_length=9),
        )
    ]
    monkeypatch.setattr("kitchen.runtime.rendering.VERSION", 999)
    keys.append(tokens_key(dataset, tokenizer, options))
    assert len(set(keys)) == len(keys)


def test_the_name_of_the_data_is_not() -> None:
    tokenizer, options = LetterTokenizer(), RenderOptions()
    one, other = (tokens_key(Dataset(uri, "d", 9), tokenizer, options) for uri in ("a", "b"))
    assert one == other


FAULTS: dict[str, tuple[list[dict[str, Any]], RenderOptions, LetterTokenizer]] = {
    "nobody answers": ([NOTHING], RenderOptions(), LetterTokenizer()),
    "everything is cut off": ([talk("a")] * 3, RenderOptions(max_length=9), LetterTokenizer()),
    "another row": ([talk("a"), {"text": "b"}], RenderOptions(), LetterTokenizer()),
    "a template that refuses": (
        [talk("a"), {"messages": [{"role": "system", "content": "a"}]}],
        RenderOptions(),
        LetterTokenizer(letters.refuses_system),
    ),
    "a template that forgets": (
        [{"messages": talk("a")["messages"] * 2}],
        RenderOptions(train_on="all_assistant"),
        LetterTokenizer(letters.forgets),
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_is_said(case: str, tmp_path: Path, golden: Any) -> None:
    rows, options, tokenizer = FAULTS[case]
    write(tmp_path / "a.jsonl", rows)
    files = store(tmp_path)
    with pytest.raises(DataError) as refusal:
        tokenize_dataset(files.open("a.jsonl"), tokenizer, options, files)
    assert told(refusal.value) == golden


# -------------------------------------------------------------------------------------- memory


def many(count: int) -> Iterator[Row]:
    for number in range(count):
        yield Row({"text": f"row {number} " * 20}, "rows.jsonl", number + 1)


class Watching(FileDatasets):
    """Counts how many chunks are alive at once while they are kept."""

    alive = most = chunks = 0

    def keep(self, key: str, chunks: Any) -> Mapping[str, np.ndarray]:
        return super().keep(key, map(self.watched, chunks))

    def watched(self, chunk: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        self.chunks += 1
        for array in chunk.values():
            if array.size:
                self.alive += 1
                weakref.finalize(array, self.gone)
        self.most = max(self.most, self.alive)
        return chunk

    def gone(self) -> None:
        self.alive -= 1

    def rows(self, dataset: Dataset) -> Iterator[Row]:
        return many(dataset.rows)


def test_a_few_chunks_are_in_memory_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_module, "ROWS_AT_A_TIME", 8)
    watching = Watching(NoConfig(), Workspace(tmp_path, tmp_path))
    tokens = tokenize_dataset(Dataset("", "", 400), LetterTokenizer(), RenderOptions(), watching)
    assert tokens.sequences == 400
    assert watching.chunks > 50
    assert watching.most <= 6  # three columns of the chunk being written, and of the next


def test_memory_does_not_grow_with_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_module, "ROWS_AT_A_TIME", 16)

    class Counted(LetterTokenizer):
        def encode(self, texts: Any) -> list[np.ndarray]:
            return [np.zeros(len(text), np.int32) for text in texts]

    def peak(rows: int) -> int:
        files = Watching(NoConfig(), Workspace(tmp_path, tmp_path / str(rows)))
        tracemalloc.start()
        try:
            tokenize_dataset(Dataset("", str(rows), rows), Counted(), RenderOptions(), files)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(32)  # what is imported and cached the first time
    assert peak(3200) < 1.3 * peak(160)


def test_chunks_of_any_size_hold_the_same_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    def flat(rows_at_a_time: int) -> dict[str, list[float]]:
        monkeypatch.setattr(tokens_module, "ROWS_AT_A_TIME", rows_at_a_time)
        found: dict[str, list[float]] = {}
        for chunk in token_chunks(many(50), LetterTokenizer(), RenderOptions()):
            for name, array in chunk.items():
                found.setdefault(name, []).extend(array.tolist())
        return found

    assert flat(1) == flat(7) == flat(1000)


def test_built_in_rows_are_tokenised_too() -> None:
    datasets = NoopDatasets(NoConfig(), Workspace(Path(), Path()))
    tokens = tokenize_dataset(datasets.open("x"), LetterTokenizer(), RenderOptions(), datasets)
    assert tokens.sequences == 32
    assert tokens.dropped == tokens.truncated == 0
