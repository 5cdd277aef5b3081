"""Trajectories as batches for a policy's losses: minibatches, in an order of arithmetic alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np

from kitchen.runtime.order import permutation
from kitchen.runtime.trajectories import Advantages, PolicyBatch, ReferenceLogprobs, Trajectories
from kitchen.runtime.values import Batch, Stream

Aggregation = Literal["token_mean", "sequence_mean", "constant", "token_sum"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyBatchOptions:
    """How episodes become minibatches, and how the losses of their tokens add up.

    With N sampled tokens in n episodes of a minibatch, episode i having n_i, a token weighs 1 / N
    (`token_mean`: DAPO), 1 / (n n_i) (`sequence_mean`: GRPO), 1 / (n L) with L `max_tokens`
    (`constant`: Dr. GRPO), or 1 (`token_sum`: Tinker).
    """

    minibatches: int
    aggregation: Aggregation
    max_tokens: int
    seed: int
    epoch: int


class PolicyBatches(Stream[PolicyBatch]):
    """The kept episodes once, in so many minibatches; fewer where there are fewer episodes."""

    def __init__(
        self,
        trajectories: Trajectories,
        advantages: Advantages,
        reference: ReferenceLogprobs | None,
        options: PolicyBatchOptions,
    ) -> None:
        self.trajectories, self.advantages, self.reference = trajectories, advantages, reference
        self.options = options

    def __len__(self) -> int:
        return len(self._parts)

    @cached_property
    def _parts(self) -> list[np.ndarray]:
        kept = np.flatnonzero(self.advantages.kept)
        if len(kept) == 0:
            return []
        order = kept[permutation(len(kept), self.options.seed, self.options.epoch)]
        return np.array_split(order, min(self.options.minibatches, len(kept)))

    def iterate(self, start: int = 0) -> Iterator[PolicyBatch]:
        for index in range(start, len(self)):
            yield self._batch(index, self._parts[index])

    def _batch(self, index: int, chosen: np.ndarray) -> PolicyBatch:
        """Shifted: each token's target is the one after it, with what is known of that."""
        source = self.trajectories
        spans = [np.arange(source.offsets[i], source.offsets[i + 1] - 1) for i in chosen]
        at = np.concatenate(spans)
        offsets = np.append(0, np.cumsum([len(span) for span in spans]))
        columns = {
            "targets": source.tokens[at + 1],
            "weights": self._weights(source.sampled[at + 1], offsets),
            "logprobs": source.logprobs[at + 1],
            "advantages": self.advantages.values[at + 1],
        }
        if self.reference is not None:
            columns["reference"] = self.reference.logprobs[at + 1]
        return PolicyBatch(
            index=index,
            tokens=source.tokens[at],
            offsets=offsets,
            columns=columns,
            sequences=len(chosen),
            trained=int(columns["weights"].astype(bool).sum()),
        )

    def _weights(self, sampled: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        episodes, lengths = len(offsets) - 1, np.diff(offsets)
        match self.options.aggregation:
            case "token_mean":
                weights = sampled / sampled.sum()
            case "sequence_mean":
                counts = np.add.reduceat(sampled, offsets[:-1], dtype=np.int64)
                weights = sampled / np.repeat(episodes * counts, lengths)
            case "constant":
                weights = sampled / (episodes * self.options.max_tokens)
            case "token_sum":
                weights = sampled
        return np.asarray(weights, np.float32)


def scored_batch(trajectories: Trajectories, first: int, last: int) -> Batch:
    """Episodes from `first` to before `last`, to be scored: weight 1 on every sampled token."""
    bounds = trajectories.offsets[first : last + 1]
    at = np.concatenate([np.arange(a, b - 1) for a, b in pairwise(bounds.tolist())])
    weights = trajectories.sampled[at + 1].astype(np.float32)
    return Batch(
        index=first,
        tokens=trajectories.tokens[at],
        offsets=bounds - bounds[0] - np.arange(len(bounds)),
        columns={"targets": trajectories.tokens[at + 1], "weights": weights},
        sequences=last - first,
        trained=int(weights.sum()),
    )


def spread_scores(trajectories: Trajectories, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Log-probabilities of targets, batch by batch, put back at the tokens that they are of."""
    scores = np.zeros(len(trajectories.tokens), np.float32)
    targets = np.ones(len(scores), bool)
    targets[trajectories.offsets[:-1]] = False  # nothing comes before the first token of an episode
    scores[targets] = np.concatenate(parts)
    return scores
