"""Row formats: told from the columns, or said; never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from kitchen.runtime.formats import FORMATS, Conversation, Text, detect_format, read_example
from kitchen.runtime.ports import DataError, Row
from kitchen.runtime.stages.data import Format
from tests.runtime.data_files import told

EXCHANGE = Conversation(({"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}))
SEVERAL = Conversation(EXCHANGE.messages, others=("c", "d"))
MESSAGES = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]

#: Columns, the format they are, and what is read.
ROWS: list[tuple[dict[str, Any], str, Any]] = [
    ({"messages": MESSAGES}, "messages", EXCHANGE),
    ({"messages": [dict(MESSAGES[0], name="x"), MESSAGES[1]], "id": 7}, "messages", EXCHANGE),
    ({"prompt": "a", "completion": "b"}, "prompt_completion", Text("b", "a")),
    ({"instruction": "a", "output": "b"}, "instruction", EXCHANGE),
    ({"instruction": "a", "response": "b"}, "instruction", EXCHANGE),
    ({"instruction": "a", "input": "", "output": "b"}, "instruction", EXCHANGE),
    ({"instruction": "a", "input": None, "output": "b", "text": None}, "instruction", EXCHANGE),
    ({"question": "a", "answer": "b", "source": "c"}, "question_answer", EXCHANGE),
    ({"question": "a", "answer": ["b"]}, "question_answer", EXCHANGE),
    ({"question": "a", "answer": ["b", "c", "d"]}, "question_answer", SEVERAL),
    ({"instruction": "a", "output": ["b", "c", "d"]}, "instruction", SEVERAL),
    ({"prompt": "a", "completion": ["b", "c"]}, "prompt_completion", Text("b", "a", ("c",))),
    ({"text": "a\n"}, "text", Text("a\n")),
]

#: Fields, the format asked for (`auto` goes by the columns).
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no columns": ({}, "auto"),
    "unknown columns": ({"from": "a", "value": "b"}, "auto"),
    "columns of two formats": ({"instruction": "a", "output": "b", "text": "c"}, "auto"),
    "not the columns asked for": ({"question": "a", "answr": "b"}, "question_answer"),
    "no text": ({"prompt": "a", "completion": "b"}, "text"),
    "an answer that is null": ({"question": "a", "answer": None}, "question_answer"),
    "an answer that is a number": ({"question": "a", "answer": 4}, "question_answer"),
    "no answer in the list": ({"question": "a", "answer": []}, "question_answer"),
    "a number among answers": ({"question": "a", "answer": ["b", 4]}, "question_answer"),
    "two answers": ({"instruction": "a", "output": "b", "response": "c"}, "auto"),
    "messages that are text": ({"messages": "hello"}, "auto"),
    "no messages": ({"messages": []}, "auto"),
    "a message of other keys": ({"messages": [{"from": "human", "value": "a"}]}, "auto"),
    "a message that is text": ({"messages": ["a"]}, "auto"),
    "a role misspelled": ({"messages": [{"role": "asistant", "content": "a"}]}, "auto"),
    "a role that is a list": ({"messages": [{"role": ["user"], "content": "a"}]}, "auto"),
    "a message without text": ({"messages": [{"role": "assistant", "content": None}]}, "auto"),
    "a message in parts": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]},
        "auto",
    ),
    "half a surrogate pair": ({"text": "abc\ud83d"}, "auto"),
}


@pytest.mark.parametrize(("fields", "name", "example"), ROWS)
def test_a_format_is_told_from_the_columns(fields: dict[str, Any], name: str, example: Any) -> None:
    row = Row(fields, "rows.jsonl", 3)
    assert detect_format(row) == name
    assert read_example(row, name) == example


def test_an_instruction_s_input_follows_it() -> None:
    row = Row({"instruction": "a", "input": "b", "output": "c"}, "", 1)
    example = read_example(row, "instruction")
    assert isinstance(example, Conversation)
    assert example.messages[0]["content"] == "a\n\nb"


@pytest.mark.parametrize("case", FAULTS)
def test_what_is_said(case: str, golden: Any) -> None:
    fields, name = FAULTS[case]
    row = Row(fields, "rows.jsonl", 3)
    with pytest.raises(DataError) as refusal:
        read_example(row, detect_format(row) if name == "auto" else name)
    assert told(refusal.value) == golden


def test_the_stage_offers_every_format() -> None:
    assert {"auto", *FORMATS} == set(Format.__args__)  # type: ignore[attr-defined]
