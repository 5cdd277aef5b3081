"""Rewards as odds of a token: values, slopes, and where the token is put."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitchen.runtime.adapters.noop.unigram import ByteTokenizer
from kitchen.runtime.ports import DataError
from kitchen.runtime.values import Batch
from kitchen.runtime.verdicts import (
    RewardLoss,
    judged_sequences,
    reward_sums,
    rewards_of,
    verdict_id,
)

logprobs_of_pairs = st.lists(
    st.tuples(st.floats(-60, -1e-5), st.floats(-60, -1e-5)), min_size=1, max_size=8
)


def batch_of(pairs: int, length: int = 3) -> Batch:
    """Sequences of so many targets, the last of which is the verdict."""
    weights = np.zeros((2 * pairs, length), np.float32)
    weights[:, -1] = 1
    ids = np.zeros(2 * pairs * length, np.int32)
    return Batch(
        index=0,
        tokens=ids,
        offsets=np.arange(0, 2 * pairs * length + 1, length),
        columns={"targets": ids, "weights": weights.ravel()},
        sequences=2 * pairs,
        trained=2 * pairs,
    )


def spread(logprobs: np.ndarray, length: int = 3) -> np.ndarray:
    """The log-probabilities of verdicts, at the targets that are verdicts."""
    found = np.zeros((logprobs.size, length))
    found[:, -1] = logprobs.ravel()
    return found.ravel()


@pytest.mark.parametrize("share", [1e-9, 0.1, 0.5, 0.9, 0.999])
def test_a_reward_is_the_odds_of_the_verdict(share: float) -> None:
    found = rewards_of(np.array([math.log(share)]))
    assert found[0] == pytest.approx(math.log(share / (1 - share)), rel=1e-9, abs=1e-9)


def test_odds_that_cannot_be_told_are_cut() -> None:
    most = rewards_of(np.array([-1e-6]))[0]
    assert most == pytest.approx(math.log(1e6), abs=1e-3)
    assert rewards_of(np.array([0.0, -1e-9])).tolist() == [most, most]
    loss = RewardLoss(1)(batch_of(1), spread(np.array([[0.0, 0.0]])))
    assert loss.loss == pytest.approx(math.log(2))
    assert not loss.slopes.any()


@given(logprobs_of_pairs)
def test_the_slopes_are_those_of_the_loss(pairs: list[tuple[float, float]]) -> None:
    logprobs = np.array(pairs)
    batch, loss = batch_of(len(pairs)), RewardLoss(len(pairs))
    found = loss(batch, spread(logprobs))
    assert found.loss == pytest.approx(reward_sums(logprobs)["loss"] / len(pairs))
    slopes = found.slopes.reshape(-1, 3)
    assert not slopes[:, :-1].any()
    for at in range(logprobs.size):
        step = 1e-6 * max(1e-3, abs(logprobs.flat[at]))
        moved = []
        for sign in (1, -1):
            other = logprobs.copy()
            other.flat[at] += sign * step
            moved.append(reward_sums(other)["loss"] / len(pairs))
        slope = (moved[0] - moved[1]) / (2 * step)
        assert slopes[at, -1] == pytest.approx(slope, rel=1e-3, abs=1e-6)


def test_a_verdict_stands_after_every_sequence_and_alone_carries_weight() -> None:
    made = judged_sequences(np.array([5, 6, 7], np.int32), np.array([0, 2, 3]), 9)
    assert made.tokens.tolist() == [5, 6, 9, 7, 9]
    assert made.tokens.dtype == np.int32
    assert made.weights.tolist() == [0, 0, 1, 0, 1]
    assert made.offsets.tolist() == [0, 3, 5]
    assert made.sequences == made.trained == 2


def test_a_verdict_is_the_first_token_of_its_text() -> None:
    assert verdict_id(ByteTokenizer(), "good") == ord("g")
    with pytest.raises(DataError, match="the verdict is no token"):
        verdict_id(ByteTokenizer(), "")


def test_rewards_that_are_alike_are_not_told_apart() -> None:
    sums = reward_sums(np.array([[-1.0, -1.0], [-1.0, -2.0]]))
    assert sums["accuracy"] == 1.0
    assert sums["margin"] == pytest.approx(sums["chosen_reward"] - sums["rejected_reward"])
