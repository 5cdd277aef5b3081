"""What came of attempts at problems: token ids with what is needed to learn from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kitchen.runtime.values import Artifact, Batch, Record

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Trajectories(Artifact):
    """Episodes as token ids, stored flat: episode i is `tokens[offsets[i]:offsets[i + 1]]`.

    tokens (T,) int32; sampled (T,) bool, whether the model drew the token; logprobs (T,) float32,
    of the distribution it was drawn from, 0 where it was not; offsets (episodes + 1,) int64. Of
    each episode: its group (attempts at one same problem), rewards, turns, whether it was cut off
    at the most tokens, and the environment's metrics (NaN where it gave none).
    """

    tokens: np.ndarray
    sampled: np.ndarray
    logprobs: np.ndarray
    offsets: np.ndarray
    groups: np.ndarray
    rewards: np.ndarray
    turns: np.ndarray
    cut: np.ndarray
    metrics: Mapping[str, np.ndarray]
    episodes: int
    temperature: float


class PolicyBatch(Batch):
    """A batch of sampled tokens, whose columns a policy's losses take.

    Beside targets and weights, (T,) float32 each: logprobs, of the distribution the target was
    drawn from; advantages; and reference, the log-probabilities of a reference, if there is one.
    """


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceLogprobs(Artifact):
    """Log-probabilities (T,) float32 of the tokens of trajectories under another model."""

    logprobs: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Advantages(Artifact):
    """How much better each token did than was to be expected.

    values (T,) float32, aligned with the tokens of the trajectories, 0 where nothing was sampled;
    kept (episodes,) bool: those left out are of groups that did equally well, and teach nothing.
    """

    values: np.ndarray
    kept: np.ndarray
    groups: int
    all_good: int  #: groups of the same reward throughout, above 0
    all_bad: int  #: groups of the same reward throughout, not above 0
    single: int  #: groups of one, with nothing to compare
    kl: float  #: mean over sampled tokens of log q - log p of the reference; 0 without one


@dataclass(frozen=True, slots=True)
class Outcome(Record):
    """Means over episodes."""

    accuracy: float
    reward: float
    format: float
    length: float  #: sampled tokens
    turns: float
    cut: float
    episodes: int
