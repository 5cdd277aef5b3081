"""The `feedback` port without files: the same few judgements, and what is added to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kitchen.runtime.adapter import NoConfig
from kitchen.runtime.adapters.noop.datasets import DISHES, QUESTIONS
from kitchen.runtime.ports import Judgement, Workspace

GIVEN = tuple(
    Judgement(
        prompt=question.format(dish),
        response=answer.format(dish) if good else "I do not know.",
        rating=float(good),
        correction=None if good else answer.format(dish),
    )
    for dish in DISHES
    for good, (question, answer) in zip((True, False, True, False), QUESTIONS, strict=True)
)


class NoopFeedback:
    """Begins with 32 judgements of answers about dishes, half of them bad, each with its cure."""

    def __init__(self, config: NoConfig, workspace: Workspace) -> None:
        self.kept: list[Judgement] = list(GIVEN)

    def add(self, judgements: Iterable[Judgement]) -> None:
        self.kept += list(judgements)

    def judgements(self) -> Iterator[Judgement]:
        return iter(tuple(self.kept))
