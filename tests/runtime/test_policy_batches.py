"""Minibatches of trajectories: aligned with what was sampled, and weighed as a loss adds up."""

from __future__ import annotations

import numpy as np
import pytest

from kitchen.runtime.advantages import AdvantageOptions, compare
from kitchen.runtime.policy_batches import (
    Aggregation,
    PolicyBatches,
    PolicyBatchOptions,
    scored_batch,
    spread_scores,
)
from kitchen.runtime.policy_metrics import policy_figures, ratio_sums
from kitchen.runtime.ports import LossOptions
from kitchen.runtime.trajectories import ReferenceLogprobs, Trajectories

LENGTHS = ((2, 3), (1, 1), (3, 2), (2, 6), (1, 4), (4, 1))  #: tokens given, tokens sampled
REWARDS = (1.0, 0.0, 1.0, 1.0, 0.0, 0.5)


@pytest.fixture
def given() -> Trajectories:
    """Three groups of two, the middle one of which teaches nothing."""
    generator = np.random.default_rng(0)
    sampled = np.concatenate([np.repeat([False, True], lengths) for lengths in LENGTHS])
    size = len(sampled)
    return Trajectories(
        tokens=generator.integers(0, 90, size).astype(np.int32),
        sampled=sampled,
        logprobs=np.where(sampled, -generator.random(size), 0).astype(np.float32),
        offsets=np.append(0, np.cumsum(np.sum(LENGTHS, axis=1))),
        groups=np.repeat(range(3), 2),
        rewards=np.array(REWARDS),
        turns=np.ones(6, np.int64),
        cut=np.zeros(6, bool),
        metrics={},
        episodes=6,
        temperature=1.0,
    )


def batches(given: Trajectories, **options: object) -> PolicyBatches:
    chosen = {"minibatches": 2, "aggregation": "token_mean", "max_tokens": 8, "seed": 0, "epoch": 0}
    reference = ReferenceLogprobs(given.logprobs - 1)
    advantages = compare(given, None, AdvantageOptions())
    return PolicyBatches(
        given,
        advantages,
        reference,
        PolicyBatchOptions(**{**chosen, **options}),  # type: ignore[arg-type]
    )


def test_targets_are_the_tokens_that_were_sampled(given: Trajectories) -> None:
    """Token in, token out: what is trained on is what was drawn, with what it was drawn with."""
    seen: list[tuple[int, float, float]] = []
    for batch in batches(given).iterate():
        columns = batch.columns
        on = columns["weights"] > 0
        seen += zip(
            columns["targets"][on].tolist(),
            columns["logprobs"][on].tolist(),
            columns["reference"][on].tolist(),
            strict=True,
        )
        for episode in range(batch.sequences):
            span = slice(*batch.offsets[episode : episode + 2].tolist())
            np.testing.assert_array_equal(batch.tokens[span][1:], columns["targets"][span][:-1])
    kept = np.repeat([True, True, False, False, True, True], np.diff(given.offsets))
    drawn = given.sampled & kept
    wanted = zip(
        given.tokens[drawn].tolist(),
        given.logprobs[drawn].tolist(),
        (given.logprobs[drawn] - 1).tolist(),
        strict=True,
    )
    assert sorted(seen) == sorted(wanted)


def test_an_epoch_takes_each_episode_once_in_an_order_of_its_own(given: Trajectories) -> None:
    orders = []
    for epoch in range(4):
        stream = batches(given, epoch=epoch)
        assert len(stream) == 2
        made = list(stream.iterate())
        assert [batch.index for batch in made] == [0, 1]
        assert sum(batch.sequences for batch in made) == 4
        again = list(batches(given, epoch=epoch).iterate(1))
        np.testing.assert_array_equal(again[0].tokens, made[1].tokens)
        orders.append(np.concatenate([batch.tokens for batch in made]).tolist())
    assert len({tuple(order) for order in orders}) > 1


def test_there_are_no_more_minibatches_than_episodes(given: Trajectories) -> None:
    assert len(batches(given, minibatches=9)) == 4


def test_nothing_kept_is_nothing_to_learn(given: Trajectories) -> None:
    alike = Trajectories(
        **{name: getattr(given, name) for name in given.__slots__} | {"rewards": np.ones(6)}
    )
    stream = batches(alike)
    assert len(stream) == 0
    assert list(stream.iterate()) == []


@pytest.mark.parametrize("aggregation", ["token_mean", "sequence_mean", "constant", "token_sum"])
def test_tokens_weigh_as_the_loss_adds_up(given: Trajectories, aggregation: Aggregation) -> None:
    (batch,) = batches(given, aggregation=aggregation, minibatches=1).iterate()
    weights = batch.columns["weights"]
    rows = [weights[a:b] for a, b in zip(batch.offsets, batch.offsets[1:], strict=False)]
    sums = [row.sum() for row in rows]
    counts = [np.count_nonzero(row) for row in rows]
    assert sorted(counts) == [1, 1, 3, 4]
    wanted = {
        "token_mean": [count / 9 for count in counts],
        "sequence_mean": [1 / 4] * 4,
        "constant": [count / (4 * 8) for count in counts],
        "token_sum": counts,
    }
    assert sums == pytest.approx(wanted[aggregation])


def test_scores_come_back_to_their_tokens(given: Trajectories) -> None:
    parts = [scored_batch(given, first, first + 2) for first in (0, 2, 4)]
    for part in parts:
        assert part.offsets[-1] == len(part.tokens) == len(part.columns["targets"])
    names = [part.columns["targets"].astype(np.float32) for part in parts]
    scores = spread_scores(given, names)
    first = np.zeros(len(scores), bool)
    first[given.offsets[:-1]] = True
    np.testing.assert_array_equal(scores[~first], given.tokens[~first])
    assert not scores[first].any()


def test_ratios_are_told_of(given: Trajectories) -> None:
    (batch,) = batches(given, minibatches=1).iterate()
    columns = batch.columns
    change = (0.6 * np.cos(np.arange(len(batch.tokens)))).astype(np.float32)
    sums = ratio_sums(batch, columns["logprobs"] + change, LossOptions(name="ppo"))
    figures = policy_figures(sums)
    on = columns["weights"] > 0
    ratio, advantages = np.exp(change[on]), columns["advantages"][on]
    low, high = (ratio < 0.8) & (advantages < 0), (ratio > 1.2) & (advantages > 0)
    assert figures == pytest.approx(
        {
            "optim/kl_sample_train_v1": -change[on].mean(),
            "optim/kl_sample_train_v2": 0.5 * np.square(change[on]).mean(),
            "optim/entropy": -columns["logprobs"][on].mean(),
            "clip_ratio/low_mean": low.mean(),
            "clip_ratio/high_mean": high.mean(),
            "clip_ratio/region_mean": (low | high).mean(),
        },
        rel=1e-5,
    )
    assert low.any()
    assert high.any()
