"""Rows of preferences become whole pairs, or are refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kitchen.runtime.formats import Conversation, Text
from kitchen.runtime.pair_batches import PairBatchOptions, PairStream
from kitchen.runtime.pair_rows import Preference, pair_texts, read_preference
from kitchen.runtime.pair_tokens import PairOptions, chosen_sequences, tokenize_dataset_pairs
from kitchen.runtime.pairs import Pairs
from kitchen.runtime.ports import DataError, Row
from tests.runtime import letters
from tests.runtime.data_files import store, told, write
from tests.runtime.letters import LetterTokenizer


def row(**fields: Any) -> Row:
    return Row(fields, "pairs.jsonl", 3)


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def says(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


TALK = Preference(
    Conversation((user("Why?"), says("Because."))), Conversation((user("Why?"), says("No.")))
)

#: One pair in every form that it may have.
FORMS = {
    "strings": row(prompt="Why?", chosen="Because.", rejected="No."),
    "prompt messages": row(prompt=[user("Why?")], chosen="Because.", rejected="No."),
    "messages": row(prompt=[user("Why?")], chosen=[says("Because.")], rejected=[says("No.")]),
    "no prompt": row(chosen=[user("Why?"), says("Because.")], rejected=[user("Why?"), says("No.")]),
    "prompt again": row(
        prompt="Why?",
        chosen=[user("Why?"), says("Because.")],
        rejected=[user("Why?"), says("No.")],
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_pair(form: str) -> None:
    assert read_preference(FORMS[form]) == TALK
    assert list(pair_texts([FORMS[form]])) == ["Why?", "Because.", "No."]


def test_text_goes_on_in_two_ways() -> None:
    said = read_preference(row(prompt="1, 2, ", chosen="3", rejected="1"), "text")
    assert said == Preference(Text("3", "1, 2, "), Text("1", "1, 2, "))


@pytest.mark.parametrize(
    ("chosen", "rejected", "prompt"),
    [
        (
            "\n\nHuman: Hi\n\nAssistant: Hello",
            "\n\nHuman: Hi\n\nAssistant: Hey",
            "\n\nHuman: Hi\n\nAssistant:",
        ),
        ("yes", "no", ""),
        ("a b", "a b c", "a"),
        ("alike", "alike", ""),
    ],
)
def test_texts_without_a_prompt_share_their_beginning(
    chosen: str, rejected: str, prompt: str
) -> None:
    pair = read_preference(row(chosen=chosen, rejected=rejected))
    assert isinstance(pair.chosen, Text)
    assert isinstance(pair.rejected, Text)
    assert pair.chosen.prompt == pair.rejected.prompt == prompt
    assert prompt + pair.chosen.completion == chosen
    assert prompt + pair.rejected.completion == rejected


REFUSED = {
    "no pair": row(prompt="Why?", completion="Because."),
    "half a pair": row(prompt="Why?", chosen="Because.", reject="No."),
    "null": row(chosen="Because.", rejected=None),
    "text and messages": row(chosen="Because.", rejected=[says("No.")]),
    "a number": row(prompt="Why?", chosen=1, rejected=2),
    "an object": row(prompt=[user("Why?")], chosen={"a": 1}, rejected={"a": 2}),
    "no role": row(chosen=[{"content": "a"}], rejected=[says("No.")]),
    "no answer": row(chosen=[user("Why?")], rejected=[user("Why?"), says("No.")]),
    "two prompts": row(chosen=[user("a"), says("b")], rejected=[user("c"), says("d")]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_pair_is_refused(case: str, golden: Any) -> None:
    with pytest.raises(DataError) as raised:
        read_preference(REFUSED[case])
    assert told(raised.value) == golden


ROWS = [
    {"prompt": f"Is {n} odd?", "chosen": ("yes", "no")[n % 2] + "!" * (n % 4), "rejected": "?" * n}
    for n in range(1, 12)
]


def pairs(folder: Path, rows: Any = ROWS, tokenizer: Any = None, **options: Any) -> Pairs:
    files = store(folder)
    dataset = files.open(str(write(folder / "pairs.jsonl", rows)))
    return tokenize_dataset_pairs(
        dataset, tokenizer or LetterTokenizer(), PairOptions(**options), files
    )


def sequence(made: Pairs, number: int) -> tuple[str, str]:
    """The text of a sequence, and of what is trained on in it."""
    tokens, tokenizer = made.tokens, LetterTokenizer()
    span = slice(*tokens.offsets[number : number + 2].tolist())
    ids, weights = tokens.tokens[span], tokens.weights[span]
    return tokenizer.decode(ids, special=True), tokenizer.decode(ids[weights > 0], special=True)


@pytest.mark.parametrize("template", [None, letters.ends_with_line])
def test_both_answers_follow_the_same_prompt(tmp_path: Path, template: Any) -> None:
    made = pairs(tmp_path, tokenizer=LetterTokenizer(template))
    assert made.pairs == len(ROWS) == made.tokens.sequences / 2
    for number, given in enumerate(ROWS):
        prompts = set()
        for answer, at in (("chosen", 2 * number), ("rejected", 2 * number + 1)):
            whole, trained = sequence(made, at)
            assert trained.lstrip() == f"{given[answer]}</s>"
            prompts.add(whole.removesuffix(trained))
        assert len(prompts) == 1
        assert given["prompt"] in prompts.pop()


def test_pairs_are_made_once(tmp_path: Path) -> None:
    tokenizer = LetterTokenizer()
    one = pairs(tmp_path, tokenizer=tokenizer)
    seen = len(tokenizer.encoded)
    other = pairs(tmp_path, tokenizer=tokenizer)
    assert len(tokenizer.encoded) == seen > 0
    assert one.digest == other.digest
    np.testing.assert_array_equal(one.tokens.tokens, other.tokens.tokens)
    assert pairs(tmp_path, max_length=40).digest != one.digest
    assert pairs(tmp_path, format="text").digest != one.digest


def test_a_pair_that_tells_nothing_is_counted(tmp_path: Path) -> None:
    same = {"prompt": "a", "chosen": "b", "rejected": "b"}
    cut = {"prompt": "a" * 80, "chosen": "b", "rejected": "c"}
    made = pairs(tmp_path, [*ROWS, same, cut], max_length=50)
    assert (made.pairs, made.dropped) == (len(ROWS), 2)
    with pytest.raises(DataError, match="cut to 50 tokens, no row has two answers that differ"):
        pairs(tmp_path, [same, cut], max_length=50)


def test_chosen_answers_are_trained_on_by_themselves(tmp_path: Path) -> None:
    made = pairs(tmp_path)
    tokens = chosen_sequences(made)
    assert tokens.sequences == made.pairs
    for number in range(made.pairs):
        span = slice(*tokens.offsets[number : number + 2].tolist())
        at = slice(*made.tokens.offsets[2 * number : 2 * number + 2].tolist())
        np.testing.assert_array_equal(tokens.tokens[span], made.tokens.tokens[at])
        np.testing.assert_array_equal(tokens.weights[span], made.tokens.weights[at])


@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_hold_whole_pairs(tmp_path: Path, shuffle: bool) -> None:
    made = pairs(tmp_path)
    stream = PairStream(made, PairBatchOptions(batch_size=4, shuffle=shuffle, seed=1))
    batches = list(stream.iterate())
    assert [batch.pairs for batch in batches] == [4, 4, 3]
    assert len(stream) == 3
    numbers = np.concatenate([batch.numbers for batch in batches]).tolist()
    assert sorted(numbers) == list(range(11))
    assert (numbers == list(range(11))) is not shuffle
    for batch in batches:
        assert batch.batch.sequences == 2 * batch.pairs
        for place, number in enumerate(batch.numbers.tolist()):
            for which in (0, 1):
                at = 2 * place + which
                span = slice(*batch.batch.offsets[at : at + 2].tolist())
                original = made.tokens.offsets[2 * number + which :][:2]
                wanted = made.tokens.tokens[original[0] + 1 : original[1]]
                np.testing.assert_array_equal(batch.batch.columns["targets"][span], wanted)


def test_an_order_is_a_function_of_seed_and_epoch(tmp_path: Path) -> None:
    made = pairs(tmp_path)

    def order(seed: int, epoch: int, start: int = 0) -> list[int]:
        stream = PairStream(made, PairBatchOptions(batch_size=3, seed=seed, epoch=epoch))
        return [n for batch in stream.iterate(start) for n in batch.numbers.tolist()]

    assert order(0, 0) == order(0, 0)
    assert order(0, 0) != order(0, 1) != order(1, 1)
    assert order(0, 0, start=2) == order(0, 0)[6:]
