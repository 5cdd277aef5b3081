"""Which scorers there are, what each needs, and all of them over all answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import regex

from kitchen.ir.diagnostic import did_you_mean
from kitchen.runtime import scorers
from kitchen.runtime.ports import DataError

Scorer = Callable[[str, str], float]

NAMES = ("exact_match", "contains", "regex", "numeric", "token_f1")


def require_sound(names: Sequence[str], pattern: str, references: Sequence[Sequence[str]]) -> None:
    """Raise DataError for a scorer that is unknown or cannot score these references."""
    for name in names:
        if name not in NAMES:
            raise DataError(
                f"there is no scorer `{name}`",
                help=did_you_mean(name, NAMES) or f"use some of {', '.join(NAMES)}",
            )
    for row, accepted in enumerate(references, 1):
        for at, reference in enumerate(accepted, 1):
            which = f"reference {at}" if len(accepted) > 1 else "the reference"
            _require_reference(names, reference, f"{which} of prompt {row}")
    if "regex" in names:
        compiled(pattern)


def _require_reference(names: Sequence[str], reference: str, which: str) -> None:
    if not reference and set(names) - {"regex"}:
        raise DataError(
            f"{which} is empty, so every answer would be right or none",
            help="give each row an answer, or leave the row out",
        )
    if "numeric" in names and scorers.last_number(reference) is None:
        raise DataError(
            f"{which} holds no number: `{reference[:60]}`",
            help="take `numeric` out of `scorers`, or give numbers as answers",
        )


def compiled(pattern: str) -> regex.Pattern[str]:
    """A pattern, ready to search with; raises DataError for one that is none."""
    if not pattern:
        raise DataError("`regex` has no pattern to search for", help="set `pattern`")
    try:
        return regex.compile(pattern)
    except regex.error as cause:
        raise DataError(
            f"`{pattern}` is no regular expression: {cause.msg} "
            f"at character {(cause.pos or 0) + 1}",
            help="put a backslash before a character that stands for itself",
        ) from cause


def score_all(
    names: Sequence[str],
    pattern: str,
    tolerance: float,
    answers: Sequence[str],
    references: Sequence[Sequence[str]],
) -> dict[str, tuple[float | None, ...]]:
    """By scorer, the score of each answer: beside several references, the best of its scores."""
    table: dict[str, Scorer] = {
        "exact_match": scorers.exact_match,
        "contains": scorers.contains,
        "token_f1": scorers.token_f1,
        "numeric": partial(scorers.numeric, tolerance=tolerance),
    }
    if "regex" in names:
        table["regex"] = partial(scorers.pattern_match, pattern=compiled(pattern))
    pairs = list(zip(answers, references, strict=True))
    return {name: tuple(_scores(table[name], pairs, pattern)) for name in names}


def _scores(
    scorer: Scorer, pairs: Sequence[tuple[str, Sequence[str]]], pattern: str
) -> list[float]:
    found: list[float] = []
    for row, (answer, accepted) in enumerate(pairs, 1):
        try:
            found.append(max(scorer(answer, reference) for reference in accepted))
        except scorers.PatternTimeout as cause:
            raise DataError(
                f"`{pattern}` takes more than {scorers.TIMEOUT:g} s over the answer to prompt "
                f"{row}",
                help="a repetition inside a repetition tries ways without end: write it as one",
            ) from cause
    return found
