"""What is told of rollouts and of steps on them, figure by figure, as two systems name it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kitchen.runtime.advantages import AdvantageOptions, compare
from kitchen.runtime.policy_metrics import policy_figures
from kitchen.runtime.stages.outcomes import (
    LogPolicyUpdateConfig,
    LogRolloutsConfig,
    log_policy_update,
    log_rollouts,
    measure_outcome,
)
from kitchen.runtime.trajectories import ReferenceLogprobs, Trajectories
from kitchen.runtime.values import Losses, Update

LENGTHS = (2, 4, 1, 3, 5, 3)  #: sampled tokens, after two that were given
REWARDS = (1.0, 0.0, 1.0, 1.0, -1.0, -1.0)


class Metrics:
    def __init__(self) -> None:
        self.logged: list[tuple[int, dict[str, float]]] = []

    def log(self, step: int, values: dict[str, float]) -> None:
        self.logged.append((step, dict(values)))

    def flush(self) -> None: ...


@pytest.fixture
def trajectories() -> Trajectories:
    """Three groups of two: a mixed one, one that is good throughout, and one that is bad."""
    sampled = np.concatenate([np.repeat([False, True], [2, n]) for n in LENGTHS])
    cut = np.array([False, True, False, False, True, False])
    return Trajectories(
        tokens=np.arange(len(sampled), dtype=np.int32),
        sampled=sampled,
        logprobs=np.where(sampled, -0.5, 0).astype(np.float32),
        offsets=np.append(0, np.cumsum(np.array(LENGTHS) + 2)),
        groups=np.repeat(range(3), 2),
        rewards=np.array(REWARDS),
        turns=np.array([1, 2, 1, 1, 1, 2]),
        cut=cut,
        metrics={
            "correct": np.array([1.0, 0.0, 1.0, 1.0, 0.0, 0.0]),
            "format": np.array([1.0, np.nan, 1.0, 0.0, 0.0, np.nan]),
        },
        episodes=6,
        temperature=1.0,
    )


def told(trajectories: Trajectories, reference: ReferenceLogprobs | None) -> dict[str, float]:
    metrics = Metrics()
    advantages = compare(trajectories, reference, AdvantageOptions())
    log_rollouts(trajectories, advantages, config=LogRolloutsConfig(step=7), metrics=metrics)
    ((step, values),) = metrics.logged
    assert step == 7
    return values


def test_rollouts_are_told_of(trajectories: Trajectories) -> None:
    reference = ReferenceLogprobs(trajectories.logprobs - np.float32(0.25))
    assert told(trajectories, reference) == pytest.approx(
        {
            "env/all/reward/total": 1 / 6,
            "env/all/correct": 0.5,
            "env/all/format": 0.5,
            "env/all/ac_tokens_per_turn": 18 / 8,
            "env/all/turns_per_episode": 8 / 6,
            "env/all/by_group/frac_mixed": 1 / 3,
            "env/all/by_group/frac_all_good": 1 / 3,
            "env/all/by_group/frac_all_bad": 1 / 3,
            "reward": 1 / 6,
            "reward_std": float(np.std(REWARDS, ddof=1)),
            "frac_reward_zero_std": 2 / 3,
            "completions/mean_length": 3.0,
            "completions/min_length": 1.0,
            "completions/max_length": 5.0,
            "completions/mean_terminated_length": 9 / 4,
            "completions/clipped_ratio": 2 / 6,
            "entropy": 0.5,
            "kl": 0.25,
            "kl_policy_base": 0.25,
        }
    )


def test_what_was_not_measured_is_not_told(trajectories: Trajectories) -> None:
    """No figure is made up where an environment gives none, or where no answer came to its end."""
    bare = Trajectories(
        **{name: getattr(trajectories, name) for name in trajectories.__slots__}
        | {"metrics": {}, "cut": np.ones(6, bool)}
    )
    values = told(bare, None)
    assert not {"env/all/correct", "env/all/format"} & values.keys()
    assert "completions/mean_terminated_length" not in values
    assert values["kl"] == 0
    assert math.isnan(measure_outcome(bare).accuracy)


def test_steps_on_them_are_told_of() -> None:
    metrics, sums = Metrics(), {"sampled:sum": 4.0, "clip_low:sum": 1.0, "clip_high:sum": 2.0}
    sums |= {"kl_sample_train_v1:sum": 0.4, "kl_sample_train_v2:sum": 0.2, "entropy:sum": 8.0}
    losses, update = Losses(loss=0.0, weight=1.0, tokens=4, metrics=sums), Update(3, 0.5, 1e-3)
    log_policy_update(losses, update, config=LogPolicyUpdateConfig(step=9), metrics=metrics)
    wanted = {
        "train/grad_norm": 0.5,
        "train/learning_rate": 1e-3,
        "optim/lr": 1e-3,
        "train/tokens": 4.0,
        "optim/kl_sample_train_v1": 0.1,
        "optim/kl_sample_train_v2": 0.05,
        "optim/entropy": 2.0,
        "clip_ratio/low_mean": 0.25,
        "clip_ratio/high_mean": 0.5,
        "clip_ratio/region_mean": 0.75,
    }
    assert metrics.logged == [(9, pytest.approx(wanted))]
    nothing = dict.fromkeys(sums, 0.0)
    assert set(policy_figures(nothing).values()) == {0.0}, "no token, and no division by it"
