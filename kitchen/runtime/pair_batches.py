"""Batches of whole pairs, in an order that is a function of seed, epoch and index alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kitchen.runtime.batching import gather
from kitchen.runtime.order import permutation
from kitchen.runtime.pairs import PairBatch, Pairs
from kitchen.runtime.values import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class PairBatchOptions:
    """How pairs become batches; the last of an epoch holds what is left."""

    batch_size: int
    seed: int = 0
    epoch: int = 0
    shuffle: bool = True


class PairStream(Stream[PairBatch]):
    """One epoch of batches: each pair once."""

    def __init__(self, pairs: Pairs, options: PairBatchOptions) -> None:
        self.pairs = pairs
        self.options = options

    def __len__(self) -> int:
        return -(-self.pairs.pairs // self.options.batch_size)

    def iterate(self, start: int = 0) -> Iterator[PairBatch]:
        options, count = self.options, self.pairs.pairs
        order = np.arange(count)
        if options.shuffle:
            order = permutation(count, options.seed, options.epoch)
        for index in range(start, len(self)):
            first = index * options.batch_size
            yield gather_pairs(self.pairs, order[first : first + options.batch_size], index)


def pairs_by_length(pairs: Pairs, size: int) -> Iterator[PairBatch]:
    """Each pair once, those of like length together: for passes that do not train."""
    lengths = np.diff(pairs.tokens.offsets[::2])
    order = np.argsort(lengths, kind="stable")
    for index, first in enumerate(range(0, pairs.pairs, size)):
        yield gather_pairs(pairs, order[first : first + size], index)


def gather_pairs(pairs: Pairs, numbers: np.ndarray, index: int) -> PairBatch:
    """The batch of the pairs of these numbers: chosen, rejected, chosen, rejected, ..."""
    sequences = np.stack([2 * numbers, 2 * numbers + 1], axis=1).ravel()
    return PairBatch(
        index=index,
        digest=pairs.digest,
        batch=gather(pairs.tokens, sequences, index, normalised=False),
        numbers=numbers,
        pairs=len(numbers),
    )
