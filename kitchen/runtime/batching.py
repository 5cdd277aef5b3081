"""Batches of tokenised sequences, in an order that is a function of seed, epoch and index alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from kitchen.runtime.order import permutation
from kitchen.runtime.ports import DataError
from kitchen.runtime.values import Batch, Stream, Tokens

WINDOW = 64  #: batches' worth of sequences that are sorted by length together

Packing = Literal["bucket", "none", "pack"]

SEQUENCES, BATCHES = 1, 2  #: what is shuffled; each draws from a stream of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """How sequences become batches.

    `none` takes sequences as they come, `bucket` puts those of about one length together: a batch
    holds `batch_size` sequences, the last of an epoch what is left. `pack` fills each batch up to
    `max_tokens` tokens; 0 stands for those of `batch_size` longest sequences. `bucket` spares an
    adapter that pads its work, at a price: a batch of short answers weighs as much as one of long
    ones, and is less varied, so a model learns less in as many steps.

    `normalised` weights sum to 1 over a batch, so that its summed loss is the mean over its
    trained tokens, however it is cut into micro-batches.
    """

    batch_size: int
    max_tokens: int = 0
    seed: int = 0
    epoch: int = 0
    shuffle: bool = True
    packing: Packing = "none"
    normalised: bool = True


class BatchStream(Stream[Batch]):
    """One epoch of batches: each sequence once, as many batches in every epoch.

    Nothing is kept from one batch to the next, so a stream is entered anywhere at the same cost.
    """

    def __init__(self, tokens: Tokens, options: BatchOptions) -> None:
        self.tokens = tokens
        self.options = options

    def __len__(self) -> int:
        if self.options.packing == "pack":
            return len(self._plan[1]) - 1
        return -(-self.tokens.sequences // self.options.batch_size)

    def iterate(self, start: int = 0) -> Iterator[Batch]:
        order, bounds = self._plan
        for index in range(start, len(self)):
            yield self.batch(order[bounds[index] : bounds[index + 1]], index)

    def batch(self, chosen: np.ndarray, index: int) -> Batch:
        """The batch of the chosen sequences."""
        return gather(self.tokens, chosen, index, normalised=self.options.normalised)

    @cached_property
    def _plan(self) -> tuple[np.ndarray, np.ndarray]:
        """The sequences in the order of the epoch, and where each batch begins among them."""
        lengths = np.diff(self.tokens.offsets)
        if self.options.packing == "pack":
            return _packed(lengths, self.options, _room(lengths, self.options))
        return _sized(lengths, self.options)


def _sized(lengths: np.ndarray, options: BatchOptions) -> tuple[np.ndarray, np.ndarray]:
    count, size = len(lengths), options.batch_size
    order = np.arange(count)
    if options.shuffle:
        order = permutation(count, SEQUENCES, options.seed, options.epoch)
    bounds = np.append(np.arange(0, count, size), count)
    if options.packing == "none":
        return order, bounds
    windows = np.arange(count) // (size * WINDOW)
    order = order[np.lexsort((lengths[order], windows))]
    return _batches_shuffled(order, bounds, options)


def _packed(lengths: np.ndarray, options: BatchOptions, room: int) -> tuple[np.ndarray, np.ndarray]:
    """Next-fit bins. They are those of the seed in every epoch, or their number would change."""
    order = np.arange(len(lengths))
    if options.shuffle:
        order = permutation(len(lengths), SEQUENCES, options.seed)
    ends = np.cumsum(lengths[order] - 1)
    bounds = [0]
    while bounds[-1] < len(ends):
        used = ends[bounds[-1] - 1] if bounds[-1] else 0
        bounds.append(int(np.searchsorted(ends, used + room, side="right")))
    return _batches_shuffled(order, np.array(bounds), options)


def _batches_shuffled(
    order: np.ndarray, bounds: np.ndarray, options: BatchOptions
) -> tuple[np.ndarray, np.ndarray]:
    if not options.shuffle:
        return order, bounds
    batches = permutation(len(bounds) - 1, BATCHES, options.seed, options.epoch)
    starts, sizes = bounds[:-1][batches], np.diff(bounds)[batches]
    return order[_ranges(starts, sizes)], np.append(0, np.cumsum(sizes))


def gather(tokens: Tokens, chosen: np.ndarray, index: int, *, normalised: bool) -> Batch:
    """The batch of the chosen sequences, shifted: each token's target is the token after it."""
    lengths = tokens.offsets[chosen + 1] - tokens.offsets[chosen] - 1
    at = positions(tokens, chosen)
    weights = tokens.weights[at + 1]
    trained = int(np.count_nonzero(weights))
    if normalised:
        weights = (weights / weights.sum(dtype=np.float64)).astype(np.float32)
    return Batch(
        index=index,
        tokens=tokens.tokens[at],
        offsets=np.append(0, np.cumsum(lengths)),
        columns={"targets": tokens.tokens[at + 1], "weights": weights},
        sequences=len(chosen),
        trained=trained,
    )


def positions(tokens: Tokens, chosen: np.ndarray) -> np.ndarray:
    """Where the inputs of the chosen sequences stand among all tokens: all but each one's last."""
    starts = tokens.offsets[chosen]
    return _ranges(starts, tokens.offsets[chosen + 1] - starts - 1)


def _ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The numbers of all the ranges [start, start + length), one after the other."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    at: np.ndarray = np.arange(total) + np.repeat(starts - ends + lengths, lengths)
    return at


def _room(lengths: np.ndarray, options: BatchOptions) -> int:
    longest = int(lengths.max()) - 1
    room = options.max_tokens or options.batch_size * longest
    if longest > room:
        raise DataError(
            f"a sequence of {longest} tokens is longer than a batch with `max_tokens: {room}`",
            help=f"raise `max_tokens` to {longest}, or lower `max_length`",
        )
    return room
