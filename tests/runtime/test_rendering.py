"""What is trained on, shown: goldens have the text of the tokens, trained ones in ⟦ ⟧."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitchen.runtime.formats import read_example
from kitchen.runtime.ports import Row
from kitchen.runtime.rendering import (
    Rendered,
    RenderError,
    TrainOn,
    assemble,
    marked,
    render_prompt,
    render_text,
    segments,
)
from tests.runtime import letters
from tests.runtime.letters import LetterTokenizer

TRAIN_ON: tuple[TrainOn, ...] = ("last_assistant", "all_assistant", "all")

PLAIN = LetterTokenizer()
PLAIN_BEGINS = LetterTokenizer(begins=True)
LINE = LetterTokenizer(letters.ends_with_line)
BARE = LetterTokenizer(letters.ends_bare)
TURNS = LetterTokenizer(letters.ends_turns_only)
BEGINS = LetterTokenizer(letters.begins_itself, begins=True)
TOKENIZERS = {
    "plain": PLAIN,
    "plain, with a beginning": PLAIN_BEGINS,
    "a line after the end": LINE,
    "nothing after the end": BARE,
    "turns end, the sequence does not": TURNS,
    "the template begins": BEGINS,
}


def said(*turns: str) -> dict[str, Any]:
    """A row of messages; each turn is `u: ...`, `a: ...` or `s: ...`."""
    roles = {"u": "user", "a": "assistant", "s": "system", "t": "tool"}
    return {"messages": [{"role": roles[turn[0]], "content": turn[2:].strip()} for turn in turns]}


ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "one question": ("messages", said("u: Salt?", "a: Yes.")),
    "several turns": ("messages", said("u: Salt?", "a: Yes.", "u: More?", "a: No.")),
    "a system message": ("messages", said("s: Be brief.", "u: Salt?", "a: Yes.")),
    "an empty answer": ("messages", said("u: Salt?", "a:", "u: Salt?", "a:")),
    "the user has the last word": ("messages", said("u: Salt?", "a: Yes.", "u: Thanks!")),
    "nobody answers": ("messages", said("u: Salt?")),
    "the assistant begins": ("messages", said("a: Hello.", "u: Salt?", "a: Yes.")),
    "a tool": ("messages", said("u: Weight?", "t: 20 g", "a: 20 g.")),
    "unicode": ("messages", said("u: Crème brûlée? 🍮", "a: 砂糖と卵 ❤️‍🔥")),
    "prompt and completion": ("prompt_completion", {"prompt": "The sky is", "completion": " blue"}),
    "instruction": ("instruction", {"instruction": "Say no.", "output": "No."}),
    "instruction with input": (
        "instruction",
        {"instruction": "Translate.", "input": "sel", "response": "salt"},
    ),
    "question and answer": ("question_answer", {"question": "Salt?", "answer": "Yes."}),
    "text": ("text", {"text": "Salt the water.\n"}),
    "text that ends itself": ("text", {"text": "Salt.</s>"}),
    "empty text": ("text", {"text": ""}),
}


def rendered(
    tokenizer: LetterTokenizer,
    fields: dict[str, Any],
    format_: str = "messages",
    train_on: TrainOn = "last_assistant",
    max_length: int = 1000,
) -> Rendered:
    parts = segments(read_example(Row(fields, "rows.jsonl", 1), format_), tokenizer, train_on)
    pieces = tokenizer.encode([part.text for part in parts])
    return assemble(parts, pieces, tokenizer, max_length)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_what_is_trained_on(name: str, golden: Any) -> None:
    tokenizer = TOKENIZERS[name]
    lines = []
    for title, (format_, fields) in ROWS.items():
        lines.append(f"# {title}")
        for train_on in TRAIN_ON:
            one = rendered(tokenizer, fields, format_, train_on)
            text = marked(one.tokens, one.weights, tokenizer)
            lines.append(f"{train_on:15} {one.trained:3} tokens {one.bytes:3} bytes  {text!r}")
    assert "\n".join(lines) + "\n" == golden


@pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=[*TOKENIZERS])
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_prompt_is_what_stands_before_the_answer(tokenizer: LetterTokenizer, turns: int) -> None:
    messages = said(*(f"{'ua'[at % 2]}: turn {at}" for at in range(2 * turns)))["messages"]
    one = rendered(tokenizer, {"messages": messages})
    prompt = render_prompt(tokenizer, messages[:-1])
    before = int(np.flatnonzero(one.weights)[0])
    assert one.tokens[:before].tolist() == prompt.tolist()
    if turns == 1:
        assert render_prompt(tokenizer, "turn 0").tolist() == prompt.tolist()


def test_text_to_go_on_with_is_what_stands_before_the_completion() -> None:
    for tokenizer in (PLAIN, PLAIN_BEGINS, BEGINS):
        row = {"prompt": "The sky is", "completion": " blue"}
        one = rendered(tokenizer, row, "prompt_completion")
        before = int(np.flatnonzero(one.weights)[0])
        assert one.tokens[:before].tolist() == render_text(tokenizer, "The sky is").tolist()


def test_segments_are_not_merged_when_they_are_tokenised() -> None:
    tokenizer = LetterTokenizer()
    parts = segments(read_example(Row(said("u: a", "a: b"), "", 1), "messages"), tokenizer, "all")
    assert [part.text for part in parts] == ["User: a\nAssistant:", " b"]


@pytest.mark.parametrize("train_on", TRAIN_ON)
@pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=[*TOKENIZERS])
def test_the_last_trained_token_is_the_end(tokenizer: LetterTokenizer, train_on: TrainOn) -> None:
    for title, (format_, fields) in ROWS.items():
        one = rendered(tokenizer, fields, format_, train_on)
        if one.trained:
            assert (one.tokens[-1], one.weights[-1]) == (tokenizer.eos_id, 1), title
        assert one.weights[:1].sum() == 0, title


@pytest.mark.parametrize("tokenizer", [PLAIN_BEGINS, BEGINS], ids=["plain", "template"])
def test_a_sequence_begins_once(tokenizer: LetterTokenizer) -> None:
    for title, (format_, fields) in ROWS.items():
        one = rendered(tokenizer, fields, format_, "all")
        assert (one.tokens == tokenizer.bos_id).sum() == 1, title
        assert one.tokens[0] == tokenizer.bos_id, title


def test_text_that_already_begins_is_not_begun_again() -> None:
    one = rendered(PLAIN_BEGINS, {"text": "<s>Salt."}, "text")
    assert marked(one.tokens, one.weights, PLAIN_BEGINS) == "<s>⟦Salt.</s>⟧"


def test_a_template_that_rewrites_what_it_wrote_is_refused() -> None:
    row = said("u: a", "a: b", "u: c", "a: d")
    tokenizer = LetterTokenizer(letters.forgets)
    one = rendered(tokenizer, row)
    assert marked(one.tokens, one.weights, tokenizer).endswith("<turn>⟦d</s>⟧")
    with pytest.raises(RenderError, match="does not only append") as refusal:
        rendered(tokenizer, row, train_on="all_assistant")
    assert "template" in refusal.value.help


def test_a_template_that_refuses_a_conversation_is_named() -> None:
    with pytest.raises(RenderError, match="System role not supported"):
        rendered(LetterTokenizer(letters.refuses_system), said("s: a", "u: b", "a: c"))


@pytest.mark.parametrize("max_length", range(2, 34))
def test_cutting(max_length: int) -> None:
    whole = rendered(PLAIN, said("u: Salt?", "a: Yés."))
    one = rendered(PLAIN, said("u: Salt?", "a: Yés."), max_length=max_length)
    kept = min(max_length, len(whole.tokens))
    assert one.truncated == (len(whole.tokens) > max_length)
    assert one.trained == int(whole.weights[:kept].sum())
    if one.trained:
        assert one.tokens.tolist() == whole.tokens[:kept].tolist()
        text = PLAIN.decode(one.tokens[one.weights > 0].tolist())
        assert one.bytes == min(len(text.encode()), whole.bytes)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
CONVERSATIONS = st.lists(
    st.tuples(st.sampled_from(["system", "user", "assistant"]), TEXTS), min_size=1, max_size=6
)


@given(CONVERSATIONS, st.sampled_from(TRAIN_ON), st.sampled_from([*TOKENIZERS.values()]))
def test_tokens_and_weights_are_of_one_length_and_of_the_assistant(
    turns: list[tuple[str, str]], train_on: TrainOn, tokenizer: LetterTokenizer
) -> None:
    messages = [{"role": role, "content": content} for role, content in turns]
    one = rendered(tokenizer, {"messages": messages}, train_on=train_on)
    assert one.tokens.dtype == np.int32
    assert one.weights.dtype == np.float32
    assert len(one.tokens) == len(one.weights)
    answers = [content for role, content in turns if role == "assistant"]
    if train_on == "all":
        return
    wanted = answers[-1:] if train_on == "last_assistant" else answers
    trained = tokenizer.decode(one.tokens[one.weights > 0].tolist())
    spaced = "".join(f" {answer}" if answer else "" for answer in wanted)
    assert trained == ("".join(wanted) if tokenizer.chat_template else spaced)
