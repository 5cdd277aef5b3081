"""Soft targets: what teachers hold likely at each trained token, and batches that carry it.

A teacher's likeliest K tokens stand for its distribution, renormalised over them, as in
tinker-cookbook's distillation. At temperature T its probabilities are those of its logits over T
(Hinton et al. 2015, arXiv:1503.02531, eq. 1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from functools import cached_property

import numpy as np

from kitchen.runtime.batching import BatchOptions, BatchStream, gather, positions
from kitchen.runtime.distilling import Objective, distance_from, passes_of, terms_of
from kitchen.runtime.ports import DatasetStore, TrainingClient
from kitchen.runtime.ports.training import TopLogprobs
from kitchen.runtime.teachers import Distance, SoftTargets
from kitchen.runtime.values import Batch, Session, Tokens

AHEAD = 2  #: passes asked for before the first of them is read


def tempered(logprobs: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (R, K) at a temperature, renormalised over the K tokens; float64."""
    scaled = logprobs.astype(np.float64) / temperature
    chances = np.exp(scaled - scaled.max(1, keepdims=True))
    normalised: np.ndarray = chances / chances.sum(1, keepdims=True)
    return normalised


def mix(
    tokens: Tokens,
    tops: Sequence[tuple[np.ndarray, np.ndarray]],
    shares: Sequence[float],
    temperature: float,
) -> SoftTargets:
    """The soft targets of several teachers: each one's (ids, log-probabilities), and its share.

    A token that two teachers name stands twice; a cross-entropy adds up what each says of it.
    """
    chances, negentropy = [], []
    for (_, logprobs), share in zip(tops, shares, strict=True):
        own = tempered(logprobs, temperature)
        logs = np.log(own, out=np.zeros_like(own), where=own > 0)
        negentropy.append(share * (own * logs).sum(1))
        chances.append(share * own)
    return SoftTargets(
        digest=tokens.digest,
        temperature=temperature,
        ids=np.concatenate([ids for ids, _ in tops], 1),
        chances=np.concatenate(chances, 1).astype(np.float32),
        negentropy=np.stack(negentropy, 1),
    )


def top_of_all(
    session: Session,
    tokens: Tokens,
    count: int,
    size: int,
    training: TrainingClient,
    datasets: DatasetStore,
) -> tuple[np.ndarray, np.ndarray]:
    """A teacher's likeliest tokens (R, K) for each trained token, and their log-probabilities.

    They are kept under the digests of both: the same teacher reads the same data once.
    """
    deciding = f"{tokens.digest} {training.weights_digest(session)} {count} {size}"
    key = hashlib.sha256(f"top {deciding}".encode()).hexdigest()
    columns = datasets.cached(key)
    if columns is None:
        ids = np.zeros((tokens.trained, count), np.int32)
        logprobs = np.zeros((tokens.trained, count), np.float32)
        for rows, found in _tops(session, tokens, count, size, training):
            ids[rows], logprobs[rows] = found
        columns = datasets.keep(key, [{"ids": ids.ravel(), "logprobs": logprobs.ravel()}])
    return columns["ids"].reshape(-1, count), columns["logprobs"].reshape(-1, count)


def _tops(
    session: Session, tokens: Tokens, count: int, size: int, training: TrainingClient
) -> Iterator[tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]]:
    """Sequences of like length together: which trained tokens they hold, and what was found."""
    order = np.argsort(np.diff(tokens.offsets), kind="stable")
    rows = row_numbers(tokens)
    waiting: list[tuple[np.ndarray, np.ndarray, Future[TopLogprobs]]] = []
    for index, first in enumerate(range(0, len(order), size)):
        chosen = order[first : first + size]
        batch = gather(tokens, chosen, index, normalised=False)
        if batch.trained == 0:
            continue
        carries = batch.columns["weights"] > 0
        at = rows[positions(tokens, chosen) + 1][carries]
        waiting.append((at, carries, training.topk_logprobs(session, batch, count)))
        if len(waiting) > AHEAD:
            yield _found(*waiting.pop(0))
    for one in waiting:
        yield _found(*one)


def _found(
    at: np.ndarray, carries: np.ndarray, pending: Future[TopLogprobs]
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    top = pending.result()
    return at, (top.ids[carries], top.logprobs[carries])


def row_numbers(tokens: Tokens) -> np.ndarray:
    """For each token its number among the trained ones; of no meaning where it is not trained."""
    numbers: np.ndarray = np.cumsum(tokens.weights > 0) - 1
    return numbers


class SoftBatchStream(BatchStream):
    """Batches of a data set with its soft targets beside the hard ones.

    Columns: soft_targets (T, K); soft_weights (T, K), which add up to the weight of the token;
    negentropy (T, N), weighted like the token. All are 0 where a token carries no weight.
    """

    def __init__(self, tokens: Tokens, soft: SoftTargets, options: BatchOptions) -> None:
        super().__init__(tokens, options)
        self.soft = soft

    @cached_property
    def _rows(self) -> np.ndarray:
        return row_numbers(self.tokens)

    def batch(self, chosen: np.ndarray, index: int) -> Batch:
        plain = super().batch(chosen, index)
        weights = plain.columns["weights"]
        carries = weights > 0
        rows = self._rows[positions(self.tokens, chosen) + 1][carries]
        shape = (len(weights), self.soft.ids.shape[1])
        ids, chances = np.zeros(shape, np.int32), np.zeros(shape, np.float32)
        negentropy = np.zeros((len(weights), self.soft.negentropy.shape[1]), np.float32)
        ids[carries] = self.soft.ids[rows]
        chances[carries] = self.soft.chances[rows] * weights[carries][:, None]
        negentropy[carries] = self.soft.negentropy[rows] * weights[carries][:, None]
        soft = {"soft_targets": ids, "soft_weights": chances, "negentropy": negentropy}
        return Batch(
            index=plain.index,
            tokens=plain.tokens,
            offsets=plain.offsets,
            columns={**plain.columns, **soft},
            sequences=plain.sequences,
            trained=plain.trained,
        )


def distance_of(
    session: Session, tokens: Tokens, soft: SoftTargets, size: int, training: TrainingClient
) -> Distance:
    """The mean divergence of a session from soft targets, at temperature 1."""
    options = BatchOptions(batch_size=size, shuffle=False, packing="bucket", normalised=False)
    stream, terms = SoftBatchStream(tokens, soft, options), []
    objective = Objective(alpha=1.0, temperature=1.0)
    for batch in stream.iterate():
        if batch.trained == 0:
            continue
        ((one, loss),) = passes_of(batch, objective)
        terms.append(terms_of(batch, objective, [training.forward(session, one, loss).result()]))
    return distance_from(terms)
