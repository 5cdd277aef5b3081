"""What a session's weights say of tokens that are there already, without training on them."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from kitchen.runtime.batching import gather
from kitchen.runtime.pair_batches import pairs_by_length
from kitchen.runtime.pairs import PairBatch, Pairs, ReferenceScores, Scores
from kitchen.runtime.ports import DatasetStore, ForwardOutput, LossOptions, TrainingClient
from kitchen.runtime.values import Batch, Session, Tokens

if TYPE_CHECKING:
    from concurrent.futures import Future

AHEAD = 2  #: passes asked for before the first of them is read

T = TypeVar("T")


def score_tokens(session: Session, tokens: Tokens, training: TrainingClient, size: int) -> Scores:
    """The log-probability of each target that carries weight, sequences of like length together."""
    lengths = np.diff(tokens.offsets)
    order = np.argsort(lengths, kind="stable")
    by_token = np.zeros(len(tokens.tokens), np.float32)
    by_sequence = np.zeros(tokens.sequences)
    order = order[lengths[order] > 1]
    pieces = (order[first : first + size] for first in range(0, len(order), size))

    def batch_of(chosen: np.ndarray) -> Batch:
        return gather(tokens, chosen, 0, normalised=False)

    for chosen, batch, output in forward_all(session, pieces, batch_of, training):
        by_sequence[chosen] = sequence_sums(batch, output.logprobs)
        places = [np.arange(a + 1, b) for a, b in zip(*_bounds(tokens, chosen), strict=True)]
        by_token[np.concatenate(places)] = output.logprobs
    digest = training.weights_digest(session)
    return Scores(tokens.digest, digest, by_token, by_sequence)


def score_pairs(
    session: Session, pairs: Pairs, training: TrainingClient, datasets: DatasetStore, size: int
) -> ReferenceScores:
    """The scores of pairs under a session's current weights, kept under the digests of both."""
    weights = training.weights_digest(session)
    deciding = f"reference scores of {pairs.digest} under {weights}, {size} pairs a pass"
    key = hashlib.sha256(deciding.encode()).hexdigest()
    columns = datasets.cached(key)
    if columns is None:
        logprobs = np.zeros((pairs.pairs, 2))
        for batch, found in pair_logprobs(session, pairs, training, size):
            logprobs[batch.numbers] = found
        columns = datasets.keep(key, [{"logprobs": logprobs.ravel()}])
    return ReferenceScores(pairs.digest, weights, np.array(columns["logprobs"]).reshape(-1, 2))


def pair_logprobs(
    session: Session, pairs: Pairs, training: TrainingClient, size: int
) -> Iterator[tuple[PairBatch, np.ndarray]]:
    """Batches of all pairs, each with the summed log-probabilities (pairs, 2) of its answers."""
    batches = pairs_by_length(pairs, size)
    for whole, batch, output in forward_all(session, batches, lambda one: one.batch, training):
        yield whole, pair_sums(batch, output.logprobs)


def forward_all(
    session: Session, items: Iterable[T], batch_of: Callable[[T], Batch], training: TrainingClient
) -> Iterator[tuple[T, Batch, ForwardOutput]]:
    """Pass the batch of each item through the model, a few of them asked for ahead."""
    running: deque[tuple[T, Batch, Future[ForwardOutput]]] = deque()
    for item in items:
        batch = batch_of(item)
        running.append((item, batch, training.forward(session, batch, LossOptions())))
        if len(running) > AHEAD:
            first, its_batch, output = running.popleft()
            yield first, its_batch, output.result()
    for item, batch, output in running:
        yield item, batch, output.result()


def sequence_sums(batch: Batch, values: np.ndarray) -> np.ndarray:
    """The weighted sums of a value a token over each sequence, (sequences,) float64."""
    weighted = batch.columns["weights"] * values.astype(np.float64)
    sums: np.ndarray = np.add.reduceat(weighted, batch.offsets[:-1])
    return sums


def pair_sums(batch: Batch, values: np.ndarray) -> np.ndarray:
    """The same of a batch of pairs: (pairs, 2), the chosen answers first."""
    return sequence_sums(batch, values).reshape(-1, 2)


def _bounds(tokens: Tokens, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return tokens.offsets[chosen], tokens.offsets[chosen + 1]
