"""The data that the project ships is what its recipes take it for."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitchen.runtime.formats import Conversation, detect_format, read_example
from kitchen.runtime.plugins import shipped
from tests.runtime.data_files import store

FILES = {
    "chat.jsonl": "messages",
    "instructions.jsonl": "instruction",
    "questions.csv": "question_answer",
}


def test_every_file_is_looked_at() -> None:
    assert {path.name for path in (shipped() / "data").iterdir()} == set(FILES)


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
