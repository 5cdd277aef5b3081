"""Preferences as values: pairs of a chosen and a rejected answer, and what a model says of them.

Pairs and batches of pairs are types of their own, so that nothing that holds half a pair, or
sequences of another order, is ever taken for one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kitchen.runtime.values import Artifact, Batch, Tokens

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Pairs(Artifact):
    """Tokenised pairs: sequence 2i of `tokens` is the chosen answer of pair i, 2i + 1 the rejected.

    Both begin with the same prompt, which carries no weight.
    """

    digest: str
    tokens: Tokens
    pairs: int
    dropped: int  #: rows left out: after cutting, an answer is empty or both are the same


@dataclass(frozen=True, slots=True, eq=False)
class PairBatch(Artifact):
    """Whole pairs for one step: sequence 2i of `batch` is chosen, 2i + 1 rejected.

    `numbers` (pairs,) int64 are the pairs' places among those of the `digest`.
    """

    index: int  #: position in its stream, from 0
    digest: str
    batch: Batch
    numbers: np.ndarray
    pairs: int


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceScores(Artifact):
    """Log-probabilities of pairs under weights that stay as they are: the reference.

    logprobs (pairs, 2) float64 are sums over the trained tokens of the chosen and the rejected
    answer. `digest` is that of the pairs, `weights` that of the reference.
    """

    digest: str
    weights: str
    logprobs: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Scores(Artifact):
    """Log-probabilities of tokenised sequences under the weights of a digest.

    tokens (T,) float32, in the order of the sequences' tokens and 0 where no weight is; sequences
    (N,) float64, their weighted sums. `digest` is that of the sequences.
    """

    digest: str
    weights: str
    tokens: np.ndarray
    sequences: np.ndarray
