"""What an answer is worth beside a reference, from 0 to 1: small functions of two texts.

Texts are compared in a normal form: Unicode NFKC, case folded, punctuation taken from the edges of
words, white space made one blank. Punctuation inside a word or a number counts (`3.5` is not `35`),
and so does a sign before a number. Characters of scripts that do not separate words (Chinese,
Japanese) are words of their own.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

import regex

KEPT = "%‰°"  #: at the edge of a word, these say something
SIGNS = "-+."
MINUS = "\N{MINUS SIGN}"
TIMEOUT = 1.0  #: seconds that a pattern may take over one answer

NUMBER = re.compile(
    r"(?<![\w.])[-+\u2212]?(?:(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
)


class PatternTimeout(Exception):
    """A pattern that takes too long over a text: it tries ways without end."""


# ------------------------------------------------------------------------------- normal form


def words(text: str) -> list[str]:
    """The words of a text in normal form; its bare characters where nothing else is left.

    >>> words("The answer: 3.5!")
    ['the', 'answer', '3.5']
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    folded = folded.replace(MINUS, "-")
    parts = [_bare(word) for part in folded.split() for word in _apart(part)]
    return [word for word in parts if word] or folded.split()


def _apart(text: str) -> Iterator[str]:
    """The text cut round each wide character."""
    start = 0
    for at, character in enumerate(text):
        if _is_wide(character):
            yield from (text[start:at], character)
            start = at + 1
    yield text[start:]


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in ("W", "F")


def _bare(word: str) -> str:
    """The word without punctuation at its edges."""
    start, end = 0, len(word)
    while start < end and _is_edge(word[start]):
        if word[start] in SIGNS and word[start + 1 : start + 2].isdigit():
            break
        start += 1
    while end > start and _is_edge(word[end - 1]):
        end -= 1
    return word[start:end]


def _is_edge(character: str) -> bool:
    return character not in KEPT and unicodedata.category(character).startswith("P")


# ----------------------------------------------------------------------------------- scorers


def exact_match(answer: str, reference: str) -> float:
    """1 where both are the same words."""
    return float(words(answer) == words(reference))


def contains(answer: str, reference: str) -> float:
    """1 where the words of the reference stand in the answer, one after the other."""
    whole, part = words(answer), words(reference)
    places = range(len(whole) - len(part) + 1)
    return float(any(whole[at : at + len(part)] == part for at in places))


def token_f1(answer: str, reference: str) -> float:
    """The harmonic mean of precision and recall of words (Rajpurkar et al. 2016, SQuAD)."""
    given, wanted = words(answer), words(reference)
    if not given or not wanted:
        return float(given == wanted)
    shared = (Counter(given) & Counter(wanted)).total()
    return 2 * shared / (len(given) + len(wanted))


def numeric(answer: str, reference: str, tolerance: float) -> float:
    """1 where the last number of the answer is the last of the reference.

    The tolerance is absolute below 1 and relative above. Commas between groups of three digits
    are part of a number; units and currencies beside it are not looked at.
    """
    given, wanted = last_number(answer), last_number(reference)
    if given is None or wanted is None:
        return 0.0
    return float(abs(given - wanted) <= tolerance * max(1.0, abs(wanted)))


def last_number(text: str) -> float | None:
    """The last number in a text, if there is one that is finite.

    >>> last_number("It costs $1,234.50, not 3.")
    3.0
    """
    found = NUMBER.findall(text)
    if not found:
        return None
    value = float(found[-1].replace(",", "").replace(MINUS, "-"))
    return value if math.isfinite(value) else None


def pattern_match(answer: str, reference: str, pattern: regex.Pattern[str]) -> float:
    """1 where the pattern is found and its first group, if it has one, is the reference.

    Raises PatternTimeout: how long a pattern may take is bounded, so that none hangs a run.
    """
    try:
        found = pattern.search(answer, timeout=TIMEOUT)
    except TimeoutError as cause:
        raise PatternTimeout from cause
    if found is None:
        return 0.0
    return exact_match(found[1] or "", reference) if pattern.groups else 1.0
