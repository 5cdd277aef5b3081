"""The values of asking a model: prompts, its answers, and what each answer is worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kitchen.ir.frozen import frozen
from kitchen.runtime.values import Artifact

if TYPE_CHECKING:
    import numpy as np


@frozen(eq=False)
class Prompts(Artifact):
    """What a model is asked, as ids: prompt i is `tokens[offsets[i]:offsets[i + 1]]`.

    `texts` are the prompts for people to read, `references` the answers that each row gives: one,
    or several of which each is right.
    """

    digest: str
    tokens: np.ndarray
    offsets: np.ndarray
    texts: tuple[str, ...]
    references: tuple[tuple[str, ...], ...]
    rows: int

    def ids(self, index: int) -> np.ndarray:
        """The token ids of one prompt."""
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]


@frozen
class Answers(Artifact):
    """What a model said to each prompt, in how many tokens, and whether it came to an end."""

    texts: tuple[str, ...]
    tokens: tuple[int, ...]
    ended: tuple[bool, ...]


@frozen
class AnswerScores(Artifact):
    """By scorer, what each answer is worth, from 0 to 1; None where a judge gave no grade."""

    scores: Mapping[str, tuple[float | None, ...]]
