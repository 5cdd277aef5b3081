"""The loss of distillation: passes of a batch, and what they amount to.

L = alpha T^2 KL(q_T || p_T) + (1 - alpha) CE(y, p), q being the teachers' distribution, p the
student's, y the tokens of the data, T the temperature of both in the first term (Hinton et al.
2015, arXiv:1503.02531, section 2: the gradients of soft targets scale as 1 / T^2). Terms are
weighted sums over tokens.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from kitchen.ir.frozen import frozen
from kitchen.runtime.ports import ForwardOutput, LossOptions
from kitchen.runtime.teachers import Distance
from kitchen.runtime.values import Batch


@frozen
class Objective:
    """How much soft targets count beside hard ones, and at which temperature."""

    alpha: float
    temperature: float

    @property
    def soft(self) -> float:
        """The factor of the divergence."""
        return self.alpha * self.temperature**2

    @property
    def hard(self) -> float:
        """The factor of the cross-entropy."""
        return 1 - self.alpha

    @property
    def loss(self) -> LossOptions:
        """The loss of the pass that holds the soft targets."""
        if self.temperature == 1:
            return LossOptions()
        return LossOptions(name="tempered_cross_entropy", config={"temperature": self.temperature})


def passes_of(batch: Batch, objective: Objective) -> Iterator[tuple[Batch, LossOptions]]:
    """The passes whose losses add up to that of the batch, but for what is constant in it.

    At temperature 1 soft and hard targets are columns of one pass; at another the distribution is
    another one, and the hard targets take a pass of their own.
    """
    columns = batch.columns
    ids, weights = columns["soft_targets"], columns["soft_weights"] * np.float32(objective.soft)
    hard = columns["weights"] * np.float32(objective.hard)
    if objective.temperature == 1 and objective.hard > 0:
        ids = np.concatenate([ids, columns["targets"][:, None]], 1)
        weights = np.concatenate([weights, hard[:, None]], 1)
    yield _with(batch, {"targets": ids, "weights": weights}), objective.loss
    if objective.temperature != 1 and objective.hard > 0:
        yield _with(batch, {"targets": columns["targets"], "weights": hard}), LossOptions()


def _with(batch: Batch, columns: Mapping[str, np.ndarray]) -> Batch:
    return Batch(
        index=batch.index,
        tokens=batch.tokens,
        offsets=batch.offsets,
        columns=columns,
        sequences=batch.sequences,
        trained=batch.trained,
    )


@frozen
class Terms:
    """The sums of a batch: divergence, loss, weight, and how many tokens are behind them.

    `kl` is that from each teacher, and `heard` the weight behind it: shares are part of both.
    """

    kl: tuple[float, ...]
    heard: tuple[float, ...]
    loss: float
    weight: float
    tokens: int


def terms_of(batch: Batch, objective: Objective, outputs: list[ForwardOutput]) -> Terms:
    """What the passes of a batch amount to."""
    kl = divergence(batch, outputs[0].logprobs)
    loss = objective.soft * math.fsum(kl)
    if objective.hard > 0:
        last = outputs[-1].logprobs
        logprobs = last if last.ndim == 1 else last[:, -1]
        loss -= objective.hard * _dot(batch.columns["weights"], logprobs)
    weight = float(batch.columns["weights"].sum(dtype=np.float64))
    heard = _by_teacher(batch, batch.columns["soft_weights"]).tolist()
    return Terms(tuple(kl), tuple(heard), loss=loss, weight=weight, tokens=batch.trained)


def divergence(batch: Batch, logprobs: np.ndarray) -> list[float]:
    """sum w KL(q || p) over a batch for each teacher, given the student's log-probabilities.

    They are (T, at least N K); w has the teacher's share in it.
    """
    weights = batch.columns["soft_weights"].astype(np.float64)
    crossed = _by_teacher(batch, weights * logprobs[:, : weights.shape[1]])
    found: list[float] = (batch.columns["negentropy"].sum(0, dtype=np.float64) - crossed).tolist()
    return found


def _by_teacher(batch: Batch, values: np.ndarray) -> np.ndarray:
    """Sums over a batch of values (T, N K) for each of N teachers, (N,)."""
    teachers = batch.columns["negentropy"].shape[1]
    sums: np.ndarray = values.reshape(len(values), teachers, -1).sum((0, 2), dtype=np.float64)
    return sums


def distance_from(terms: Sequence[Terms]) -> Distance:
    """The mean divergence over the tokens of several batches, or of the parts of one."""
    kl, heard = (
        [math.fsum(column) for column in zip(*rows, strict=True)]
        for rows in ([one.kl for one in terms], [one.heard for one in terms])
    )
    weight = math.fsum(one.weight for one in terms)
    return Distance(
        kl=math.fsum(kl) / weight if weight else 0.0,
        tokens=sum(one.tokens for one in terms),
        by_teacher=tuple(a / b if b else 0.0 for a, b in zip(kl, heard, strict=True)),
    )


def _dot(weights: np.ndarray, values: np.ndarray) -> float:
    return float((weights.astype(np.float64) * values).sum())
