"""Scorers of answers: what counts as the same, and what does not."""

from __future__ import annotations

import time

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from kitchen.runtime import scorers
from kitchen.runtime.ports import DataError
from kitchen.runtime.scorers import (
    PatternTimeout,
    contains,
    exact_match,
    last_number,
    numeric,
    pattern_match,
    token_f1,
    words,
)
from kitchen.runtime.scoring_rules import NAMES, require_sound, score_all

MINUS = "\N{MINUS SIGN}"

SAME = [
    ("Paris", "paris"),
    ("  Paris.\n", "Paris"),
    ("\N{LEFT DOUBLE QUOTATION MARK}Paris\N{RIGHT DOUBLE QUOTATION MARK}!", "Paris"),
    ("New   York", "new york"),
    ("Stra\N{LATIN SMALL LETTER SHARP S}e", "STRASSE"),
    ("cafe\N{COMBINING ACUTE ACCENT}", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
    ("\N{FULLWIDTH LATIN CAPITAL LETTER A}\N{FULLWIDTH DIGIT ONE}", "a1"),
    (f"{MINUS}5", "-5"),
    ("(42)", "42"),
    ("don't", "Don't."),
    ("...", "..."),
    ("", ""),
]
DIFFERENT = [
    ("35", "3.5"),
    ("5", "-5"),
    ("50%", "50"),
    ("dont", "don't"),
    ("Paris France", "Paris"),
    ("", "Paris"),
    ("...", "!!!"),
    ("1,000", "1000"),
]


@pytest.mark.parametrize(("answer", "reference"), SAME)
def test_texts_that_say_the_same(answer: str, reference: str) -> None:
    assert exact_match(answer, reference) == exact_match(reference, answer) == 1.0
    assert contains(answer, reference) == 1.0
    assert token_f1(answer, reference) == 1.0


@pytest.mark.parametrize(("answer", "reference"), DIFFERENT)
def test_texts_that_do_not(answer: str, reference: str) -> None:
    assert exact_match(answer, reference) == exact_match(reference, answer) == 0.0


@pytest.mark.parametrize(
    ("answer", "reference", "score"),
    [
        ("The capital is Paris, in France.", "paris", 1.0),
        ("I like New York city", "new york", 1.0),
        ("York is not new", "new york", 0.0),
        ("to concatenate", "cat", 0.0),
        ("it is 42.5", "42", 0.0),
        ("\u7b54\u6848\u662f\u5317\u4eac\u3002", "\u5317\u4eac", 1.0),
        ("\u7b54\u6848\u662f\u5317\u4eac\u3002", "\u4e0a\u6d77", 0.0),
        ("", "paris", 0.0),
    ],
)
def test_an_answer_contains_whole_words(answer: str, reference: str, score: float) -> None:
    assert contains(answer, reference) == score


@pytest.mark.parametrize(
    ("answer", "reference", "score"),
    [
        ("the cat", "the cat sat", 2 * (1 * 2 / 3) / (1 + 2 / 3)),
        ("cat cat cat", "cat", 2 * (1 / 3) / (1 / 3 + 1)),
        ("dog", "cat", 0.0),
        ("", "cat", 0.0),
        ("", "", 1.0),
    ],
)
def test_token_f1_is_the_harmonic_mean(answer: str, reference: str, score: float) -> None:
    assert token_f1(answer, reference) == pytest.approx(score)
    assert token_f1(reference, answer) == pytest.approx(score)


NUMBERS = [
    ("12 km", 12.0),
    ("$1,234.50", 1234.5),
    ("1,000,000 people", 1e6),
    ("1,2,3", 3.0),
    ("12,34", 34.0),
    ("-5", -5.0),
    (f"{MINUS}7 degrees", -7.0),
    ("+3", 3.0),
    ("5-3", 3.0),
    ("x=.5", 0.5),
    ("It is 3.", 3.0),
    ("1e-4", 1e-4),
    ("1.5e3kg", 1500.0),
    ("50%", 50.0),
    ("first 7, then #### 18", 18.0),
    ("2026-11-23", 23.0),
    ("\N{ARABIC-INDIC DIGIT THREE}", 3.0),
    ("version v1.2.3", None),
    ("1e999", None),
    ("none", None),
    ("", None),
]


@pytest.mark.parametrize(("text", "number"), NUMBERS)
def test_the_last_number(text: str, number: float | None) -> None:
    assert last_number(text) == number


@pytest.mark.parametrize(
    ("answer", "reference", "tolerance", "score"),
    [
        ("about 1,234", "1234", 0.0, 1.0),
        ("It costs $3.50", "3.5", 0.0, 1.0),
        ("3.14", "3.14159", 0.01, 1.0),
        ("3.14", "3.14159", 0.0001, 0.0),
        ("1001", "1000", 0.001, 1.0),
        ("0.002", "0.001", 0.0005, 0.0),
        ("no idea", "4", 1.0, 0.0),
        ("-4", "4", 0.0, 0.0),
    ],
)
def test_numbers_are_compared_with_a_tolerance(
    answer: str, reference: str, tolerance: float, score: float
) -> None:
    assert numeric(answer, reference, tolerance) == score


@pytest.mark.parametrize(
    ("pattern", "answer", "reference", "score"),
    [
        (r"\d+", "it is 12", "", 1.0),
        (r"\d+", "it is not", "", 0.0),
        (r"answer: (\w+)", "The answer: Paris", "paris", 1.0),
        (r"answer: (\w+)", "The answer: London", "paris", 0.0),
        (r"a(b)?", "a", "b", 0.0),
    ],
)
def test_a_pattern_is_found_or_gives_the_reference(
    pattern: str, answer: str, reference: str, score: float
) -> None:
    assert pattern_match(answer, reference, regex.compile(pattern)) == score


def test_a_pattern_that_tries_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scorers, "TIMEOUT", 0.2)
    endless = r"(a|aa)+$"
    before = time.process_time()
    with pytest.raises(PatternTimeout):
        pattern_match("a" * 80 + "b", "", regex.compile(endless))
    assert time.process_time() > before
    with pytest.raises(DataError, match="answer to prompt 2") as raised:
        score_all(("regex",), endless, 0.0, ["a", "a" * 80 + "b"], [[""], [""]])
    assert "repetition" in raised.value.help


@given(st.text(), st.text())
def test_scores_lie_between_nothing_and_all(answer: str, reference: str) -> None:
    exact, part, f1 = (score(answer, reference) for score in (exact_match, contains, token_f1))
    assert exact in (0.0, 1.0)
    assert 0.0 <= f1 <= 1.0
    if exact:
        assert part == f1 == 1.0
    assert exact_match(answer, answer) == 1.0
    assert words(" ".join(words(answer))) == words(answer)


# --------------------------------------------------------------------------------- all of them


def test_every_scorer_scores_every_answer() -> None:
    found = score_all(NAMES, r"(\d+)", 0.0, ["it is 12", "13"], [["12"], ["12"]])
    assert list(found) == list(NAMES)
    assert found["exact_match"] == (0.0, 0.0)
    assert found["contains"] == found["regex"] == found["numeric"] == (1.0, 0.0)


def test_of_several_references_the_nearest_counts() -> None:
    references = [["New York City", "New York", "NYC"], ["12", "13"], ["a b c", "a b"]]
    found = score_all(NAMES, r"(\w+)", 0.0, ["NYC", "it is 13", "a b"], references)
    assert found["exact_match"] == (1.0, 0.0, 1.0)
    assert found["contains"] == (1.0, 1.0, 1.0)
    assert found["numeric"] == (0.0, 1.0, 0.0)
    assert found["token_f1"] == (1.0, 0.5, 1.0)


@pytest.mark.parametrize(
    ("names", "pattern", "references", "message"),
    [
        (("exact_mach",), "", [["a"]], "there is no scorer `exact_mach`"),
        (("exact_match",), "", [["a"], [""]], "the reference of prompt 2 is empty"),
        (("exact_match",), "", [["a", ""]], "reference 2 of prompt 1 is empty"),
        (("numeric",), "", [["4"], ["four"]], "the reference of prompt 2 holds no number: `four`"),
        (("regex",), "", [["a"]], "`regex` has no pattern"),
        (("regex",), "(a", [["a"]], r"`\(a` is no regular expression"),
    ],
)
def test_what_cannot_work_is_said_before(
    names: tuple[str, ...], pattern: str, references: list[list[str]], message: str
) -> None:
    with pytest.raises(DataError, match=message) as raised:
        require_sound(names, pattern, references)
    assert raised.value.help
