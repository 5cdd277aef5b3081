"""Advantages by groups, against the formulae written out; what teaches nothing is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from kitchen.runtime.advantages import AdvantageOptions, compare
from kitchen.runtime.trajectories import Advantages, ReferenceLogprobs, Trajectories


def trajectories(*groups: Sequence[float], sampled: int = 2) -> Trajectories:
    """Episodes of one given token and some that were sampled, with these rewards by group."""
    rewards = np.concatenate([np.array(group, float) for group in groups])
    episodes, length = len(rewards), 1 + sampled
    on = np.tile([False, *[True] * sampled], episodes)
    return Trajectories(
        tokens=np.arange(episodes * length, dtype=np.int32),
        sampled=on,
        logprobs=np.where(on, -0.5, 0.0).astype(np.float32),
        offsets=np.arange(episodes + 1) * length,
        groups=np.repeat(range(len(groups)), [len(group) for group in groups]),
        rewards=rewards,
        turns=np.ones(episodes, np.int64),
        cut=np.zeros(episodes, bool),
        metrics={},
        episodes=episodes,
        temperature=1.0,
    )


def by_episode(found: Advantages, given: Trajectories) -> list[float]:
    """The advantage of each episode, the same at all of its sampled tokens and 0 at the others."""
    assert not found.values[~given.sampled].any()
    rows = found.values[given.sampled].reshape(given.episodes, -1)
    assert (rows == rows[:, :1]).all()
    return [float(value) for value in rows[:, 0]]


def test_the_mean_of_the_group_is_the_baseline() -> None:
    given = trajectories([1, 0, 0, 0], [2, 4])
    found = compare(given, None, AdvantageOptions())
    assert by_episode(found, given) == pytest.approx([0.75, -0.25, -0.25, -0.25, -1, 1])
    assert found.kept.all()
    assert (found.groups, found.all_good, found.all_bad, found.single) == (2, 0, 0, 0)


def test_leaving_one_out_compares_with_the_others() -> None:
    rewards = [1.0, 0.0, 0.5, 0.25]
    given = trajectories(rewards)
    found = compare(given, None, AdvantageOptions(baseline="leave_one_out"))
    wanted = [own - (sum(rewards) - own) / 3 for own in rewards]
    assert by_episode(found, given) == pytest.approx(wanted)


@pytest.mark.parametrize("scale", ["group", "batch"])
def test_a_standard_deviation_divides(scale: str) -> None:
    groups = ([1.0, 0.0, 0.0], [4.0, 0.0, 2.0])
    given = trajectories(*groups)
    options = replace(AdvantageOptions(), scale=scale)  # type: ignore[arg-type]
    spreads = [np.std(group, ddof=1) for group in groups]
    if scale == "batch":
        spreads = [np.std(np.concatenate(groups), ddof=1)] * 2
    wanted = [
        (reward - np.mean(group)) / spread
        for group, spread in zip(groups, spreads, strict=True)
        for reward in group
    ]
    assert by_episode(compare(given, None, options), given) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("scale", ["none", "group", "batch"])
def test_groups_without_variance_are_left_out_and_counted(scale: str) -> None:
    given = trajectories([1, 1, 1], [0, 0], [0, 1], [-0.1, -0.1])
    options = replace(AdvantageOptions(), scale=scale)  # type: ignore[arg-type]
    found = compare(given, None, options)
    assert found.kept.tolist() == [False] * 5 + [True] * 2 + [False] * 2
    assert (found.groups, found.all_good, found.all_bad) == (4, 1, 2)
    values = by_episode(found, given)
    assert np.isfinite(values).all()
    assert values[:5] == [0] * 5


@pytest.mark.parametrize("scale", ["none", "group", "batch"])
def test_a_group_of_one_has_nothing_to_compare(scale: str) -> None:
    """In verl such a group keeps its raw reward as its advantage."""
    given = trajectories([3.0])
    options = replace(AdvantageOptions(), scale=scale)  # type: ignore[arg-type]
    found = compare(given, None, options)
    assert (found.single, found.all_good, found.kept.tolist()) == (1, 0, [False])
    assert by_episode(found, given) == [0]


def test_the_distance_from_a_reference_is_a_term_of_the_reward() -> None:
    """A + c (mean(q - p) - (q - p)), token by token, as tinker-cookbook has it."""
    given = trajectories([1, 0], [0, 1])
    logprobs = np.where(given.sampled, -1.0 - 0.1 * np.arange(12), 0).astype(np.float32)
    plain = compare(given, None, AdvantageOptions())
    found = compare(given, ReferenceLogprobs(logprobs), AdvantageOptions(kl=0.3))
    distance = (given.logprobs - logprobs)[given.sampled]
    moved = (found.values - plain.values)[given.sampled]
    np.testing.assert_allclose(moved, 0.3 * (distance.mean() - distance), rtol=1e-5)
    assert abs(moved.sum()) < 1e-6
    assert not found.values[~given.sampled].any()
    assert found.kl == pytest.approx(distance.mean())
    assert plain.kl == 0
