"""Batches: every sequence once an epoch, entered anywhere, shifted and weighted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitchen.runtime.batching import BatchOptions, BatchStream, Packing
from kitchen.runtime.ports import DataError
from kitchen.runtime.stages.data import BuildBatchesConfig, build_batches
from kitchen.runtime.values import Batch, Tokens

PACKINGS: tuple[Packing, ...] = ("bucket", "none", "pack")


def tokens_of(lengths: list[int], *, untrained: int = 1) -> Tokens:
    """Sequences of these lengths; sequence i begins with the token i, then counts from 1000."""
    pieces = [np.r_[at, np.arange(1000, 999 + length)] for at, length in enumerate(lengths)]
    weights = [np.r_[np.zeros(untrained), np.ones(length - untrained)] for length in lengths]
    return Tokens(
        digest="",
        tokens=np.concatenate(pieces).astype(np.int32),
        weights=np.concatenate(weights).astype(np.float32),
        offsets=np.append(0, np.cumsum(lengths)),
        sequences=len(lengths),
        trained=sum(lengths) - untrained * len(lengths),
        truncated=0,
        bytes=0,
    )


def sequences(batch: Batch) -> list[int]:
    """Which sequences are in a batch: what each of them begins with."""
    return [int(batch.tokens[start]) for start in batch.offsets[:-1]]


def flat(batch: Batch) -> tuple[Any, ...]:
    arrays = (batch.tokens, batch.offsets, *batch.columns.values())
    return (batch.index, *(array.tolist() for array in arrays))


LENGTHS = st.lists(st.integers(2, 30), min_size=1, max_size=120)
OPTIONS = st.builds(
    BatchOptions,
    batch_size=st.integers(1, 9),
    max_tokens=st.sampled_from([0, 29, 64, 500]),
    seed=st.integers(0, 2**62),
    epoch=st.integers(0, 5),
    shuffle=st.booleans(),
    packing=st.sampled_from(PACKINGS),
)


@given(LENGTHS, OPTIONS)
def test_every_sequence_is_there_once_an_epoch(lengths: list[int], options: BatchOptions) -> None:
    stream = BatchStream(tokens_of(lengths), options)
    batches = list(stream.iterate())
    assert sorted(at for batch in batches for at in sequences(batch)) == list(range(len(lengths)))
    assert [batch.index for batch in batches] == list(range(len(stream)))
    assert len(stream) == len(BatchStream(stream.tokens, replace(options, epoch=77)))


@given(LENGTHS, OPTIONS, st.integers(0, 20))
def test_a_stream_is_entered_anywhere(
    lengths: list[int], options: BatchOptions, start: int
) -> None:
    tokens = tokens_of(lengths)
    whole = [flat(batch) for batch in BatchStream(tokens, options).iterate()]
    assert [flat(batch) for batch in BatchStream(tokens, options).iterate(start)] == whole[start:]


@given(LENGTHS, OPTIONS)
def test_targets_follow_their_tokens(lengths: list[int], options: BatchOptions) -> None:
    tokens = tokens_of(lengths)
    for batch in BatchStream(tokens, options).iterate():
        bounds = zip(batch.offsets[:-1], batch.offsets[1:], strict=True)
        for sequence, (low, high) in zip(sequences(batch), bounds, strict=True):
            start, end = tokens.offsets[sequence : sequence + 2]
            assert batch.tokens[low:high].tolist() == tokens.tokens[start : end - 1].tolist()
            targets = batch.columns["targets"][low:high]
            assert targets.tolist() == tokens.tokens[start + 1 : end].tolist()
            weights = batch.columns["weights"][low:high] > 0
            assert weights.tolist() == (tokens.weights[start + 1 : end] > 0).tolist()


@given(LENGTHS, OPTIONS)
def test_weights_sum_to_one(lengths: list[int], options: BatchOptions) -> None:
    for batch in BatchStream(tokens_of(lengths), options).iterate():
        weights = batch.columns["weights"]
        assert weights.dtype == np.float32
        assert weights.sum(dtype=np.float64) == pytest.approx(1, abs=1e-6)
        assert batch.trained == np.count_nonzero(weights)


def test_weights_are_left_as_they_are_on_request() -> None:
    options = BatchOptions(batch_size=2, normalised=False)
    (batch,) = BatchStream(tokens_of([3, 4], untrained=2), options).iterate()
    assert sorted(batch.columns["weights"].tolist()) == [0, 0, 1, 1, 1]


def test_types_are_those_of_a_batch() -> None:
    (batch,) = BatchStream(tokens_of([3, 4]), BatchOptions(batch_size=2)).iterate()
    assert batch.tokens.dtype == batch.columns["targets"].dtype == np.int32
    assert batch.offsets.dtype == np.int64
    assert set(batch.columns) == {"targets", "weights"}
    assert batch.sequences == 2


def test_buckets_hold_like_lengths() -> None:
    lengths = np.random.default_rng(0).integers(2, 200, 2048).tolist()

    def padding(packing: Packing) -> float:
        stream = BatchStream(tokens_of(lengths), BatchOptions(batch_size=16, packing=packing))
        spans = [np.diff(batch.offsets) for batch in stream.iterate()]
        return float(sum(len(s) * s.max() for s in spans) / sum(s.sum() for s in spans))

    assert padding("none") > 1.5
    assert padding("bucket") < 1.05


@pytest.mark.parametrize("packing", PACKINGS)
def test_the_order_depends_on_seed_and_epoch(packing: Packing) -> None:
    tokens = tokens_of([2 + at % 7 for at in range(100)])

    def order(seed: int, epoch: int, *, shuffle: bool = True) -> list[list[int]]:
        options = BatchOptions(
            batch_size=4, seed=seed, epoch=epoch, shuffle=shuffle, packing=packing
        )
        return [sequences(batch) for batch in BatchStream(tokens, options).iterate()]

    assert order(1, 1) == order(1, 1)
    assert order(1, 1) != order(2, 1)
    assert order(1, 1) != order(1, 2)
    assert order(1, 1, shuffle=False) == order(2, 2, shuffle=False)


def test_packed_batches_are_full_but_not_more() -> None:
    lengths = np.random.default_rng(0).integers(2, 100, 1000).tolist()
    options = BatchOptions(batch_size=1, max_tokens=1000, packing="pack")
    stream = BatchStream(tokens_of(lengths), options)
    sizes = [len(batch.tokens) for batch in stream.iterate()]
    assert max(sizes) <= 1000
    assert np.mean(sizes) > 930


def test_a_packed_batch_has_room_for_as_many_of_the_longest() -> None:
    options = BatchOptions(batch_size=3, packing="pack", shuffle=False)
    batches = list(BatchStream(tokens_of([11, 6, 6, 11, 6, 6]), options).iterate())
    assert [len(batch.tokens) for batch in batches] == [30, 10]


def test_a_sequence_longer_than_a_packed_batch_is_refused() -> None:
    options = BatchOptions(batch_size=1, max_tokens=9, packing="pack")
    with pytest.raises(DataError, match="a sequence of 10 tokens is longer") as refusal:
        len(BatchStream(tokens_of([5, 11]), options))
    assert refusal.value.help == "raise `max_tokens` to 10, or lower `max_length`"


def test_the_stage_gives_an_epoch() -> None:
    tokens = tokens_of([4] * 10)
    stream = build_batches(tokens, config=BuildBatchesConfig(batch_size=4, epoch=3, seed=5))
    assert len(stream) == 3
    options = BatchOptions(batch_size=4, epoch=3, seed=5)
    assert [*map(flat, stream.iterate())] == [*map(flat, BatchStream(tokens, options).iterate())]
