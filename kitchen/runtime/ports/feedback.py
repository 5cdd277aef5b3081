"""The `feedback` port: what people thought of a model's answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from kitchen.ir.frozen import frozen


@frozen(kw_only=True)
class Judgement:
    """What a person thought of one answer: a rating, a correction, or both.

    `rating` goes from 0, bad, to 1, good; `correction` is what the answer should have been; `time`
    is when it was given, as ISO 8601 has it, where that is known.
    """

    prompt: str
    response: str
    rating: float | None = None
    correction: str | None = None
    time: str | None = None


class FeedbackStore(Protocol):
    """Keeps judgements in the order in which they came; none is ever changed or taken away.

    What is new is told by position, never by the clock. Raises DataError, naming file and row, for
    what cannot be read.
    """

    def add(self, judgements: Iterable[Judgement]) -> None:
        """Append judgements, durably, all or none."""
        ...

    def judgements(self) -> Iterator[Judgement]:
        """All of them, oldest first, read as they are asked for."""
        ...
