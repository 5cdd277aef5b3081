"""The data that the project ships is what its recipes take it for."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitchen.runtime.adapters.files import FeedbackConfig
from kitchen.runtime.adapters.files.feedback import FileFeedback
from kitchen.runtime.formats import Conversation, detect_format, read_example
from kitchen.runtime.pair_rows import ANSWERS, read_preference
from kitchen.runtime.plugins import shipped
from kitchen.runtime.ports import Workspace
from tests.runtime.data_files import store

FILES = {
    "chat.jsonl": "messages",
    "facts.jsonl": "question_answer",
    "instructions.jsonl": "instruction",
    "questions.csv": "question_answer",
    "talk.jsonl": "question_answer",
}
PAIRS = ("addition.jsonl", "manners.jsonl", "preferences.jsonl")
JUDGEMENTS = ("feedback.jsonl",)


def test_every_file_is_looked_at() -> None:
    assert {path.name for path in (shipped() / "data").iterdir()} == {*FILES, *PAIRS, *JUDGEMENTS}


@pytest.mark.parametrize("name", FILES)
def test_rows_are_conversations_that_an_assistant_ends(name: str, tmp_path: Path) -> None:
    files = store(shipped() / "data", tmp_path)
    dataset = files.open(name)
    seen = set()
    for row in files.rows(dataset):
        assert detect_format(row) == FILES[name]
        example = read_example(row, FILES[name])
        assert isinstance(example, Conversation)
        roles = [message["role"] for message in example.messages]
        assert roles[-1] == "assistant"
        assert all(message["content"].strip() for message in example.messages)
        seen.add(tuple(message["content"] for message in example.messages))
    assert len(seen) == dataset.rows > 10


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_are_two_answers_to_one_prompt(name: str, tmp_path: Path) -> None:
    files = store(shipped() / "data", tmp_path)
    pairs = [read_preference(row) for row in files.rows(files.open(name))]
    assert len({str(pair) for pair in pairs}) == len(pairs) > 10
    for pair in pairs:
        assert isinstance(pair.chosen, Conversation)
        assert pair.chosen != pair.rejected


def test_sums_are_what_their_verifier_says(tmp_path: Path) -> None:
    files = store(shipped() / "data", tmp_path)
    for row in files.rows(files.open("addition.jsonl")):
        one, other = row.fields["prompt"].removesuffix(" =").split(" + ")
        assert int(row.fields["chosen"]) == int(one) + int(other) != int(row.fields["rejected"])


def test_judgements_are_about_one_answer_each(tmp_path: Path) -> None:
    workspace = Workspace(shipped() / "data", tmp_path)
    (name,) = JUDGEMENTS
    judgements = list(FileFeedback(FeedbackConfig(path=name), workspace).judgements())
    assert len({judgement.prompt for judgement in judgements}) == len(judgements) > 20
    assert {judgement.rating for judgement in judgements} == {0.0, 1.0}
    assert all(judgement.time for judgement in judgements)
    assert [judgement.time for judgement in judgements] == sorted(
        str(judgement.time) for judgement in judgements
    )


def test_talk_is_both_answers_of_every_pair(tmp_path: Path) -> None:
    """What is imitated before reinforcement prefers neither."""
    files = store(shipped() / "data", tmp_path)
    talk = [row.fields for row in files.rows(files.open("talk.jsonl"))]
    pairs = [row.fields for row in files.rows(files.open("manners.jsonl"))]
    said = {(row["question"], row["answer"]) for row in talk}
    assert said == {(pair["prompt"], pair[name]) for pair in pairs for name in ANSWERS}
    assert len(talk) == 2 * len(pairs)
