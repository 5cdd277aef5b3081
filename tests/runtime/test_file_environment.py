"""Rows of files as problems: each format, both splits, and what cannot be one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kitchen.runtime.adapters.files import RowsConfig
from kitchen.runtime.adapters.files.environment import FileQuestions
from kitchen.runtime.ports import DataError, Problem, Workspace


def environment(folder: Path, rows: list[dict[str, Any]], holdout: float = 0.25) -> FileQuestions:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = RowsConfig(path="rows.jsonl", holdout=holdout)
    return FileQuestions(config, Workspace(folder, folder / "cache"))


def asked(text: str) -> tuple[dict[str, str], ...]:
    return ({"role": "user", "content": text},)


@pytest.mark.parametrize(
    ("row", "prompt", "answer"),
    [
        ({"prompt": "1+1=", "completion": " 2"}, "1+1=", "2"),
        ({"question": "Why?", "answer": "So."}, asked("Why?"), "So."),
        ({"question": "Why?", "answer": ["Because.", "So."]}, asked("Why?"), "Because."),
        ({"prompt": "Why?", "chosen": "So.", "rejected": "No."}, asked("Why?"), "So."),
        (
            {"messages": [*asked("a"), {"role": "assistant", "content": "b"}]},
            asked("a"),
            "b",
        ),
    ],
)
def test_every_format_with_a_prompt_will_do(
    row: dict[str, Any], prompt: object, answer: str, tmp_path: Path
) -> None:
    questions = environment(tmp_path, [row] * 4)
    problem = Problem(0, "train", 0)
    assert questions.begin(problem).prompt == prompt
    assert questions.answer(problem) == answer
    right, wrong = (questions.begin(problem).step(said) for said in (f" {answer}\n", "?"))
    assert (right.reward, right.metrics, right.done) == (1.0, {"correct": 1.0}, True)
    assert (wrong.reward, wrong.metrics, wrong.done) == (0.0, {"correct": 0.0}, True)
    if isinstance(row.get("answer"), list):
        assert all(questions.begin(problem).step(said).reward == 1 for said in row["answer"])


@pytest.mark.parametrize("seed", [0, 1])
def test_each_row_is_in_one_split_and_comes_once_in_a_lap(seed: int, tmp_path: Path) -> None:
    rows = [{"prompt": f"{at}=", "completion": str(at)} for at in range(20)]
    questions = environment(tmp_path, rows)
    held_out = {questions.answer(Problem(seed, "held_out", index)) for index in range(5)}
    lap = [questions.answer(Problem(seed, "train", index)) for index in range(15)]
    assert len(held_out) == 5
    assert len(set(lap)) == 15
    assert not held_out & set(lap)
    again = [questions.answer(Problem(seed, "train", index)) for index in range(15, 30)]
    assert sorted(map(str, again)) == sorted(map(str, lap))
    assert again != lap
    assert held_out == {questions.answer(Problem(7, "held_out", index)) for index in range(5)}


def test_what_has_no_prompt_is_no_problem(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no prompt with an answer to it") as refusal:
        environment(tmp_path, [{"text": "a"}]).begin(Problem(0, "train", 0))
    assert (refusal.value.uri, refusal.value.row) == ("rows.jsonl", 1)


def test_one_row_cannot_be_split(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it has 1 rows, and some are to be held out"):
        environment(tmp_path, [{"prompt": "a", "completion": "b"}]).begin(Problem(0, "train", 0))
