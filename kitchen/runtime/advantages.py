"""Advantages by comparison within a group of attempts at one same problem.

The baseline is the group's mean (Shao et al. 2024, arXiv:2402.03300, eq. 3 without the division),
or the mean of the others (leave one out: Ahmadian et al. 2024, arXiv:2402.14740). `scale` divides
by the standard deviation of the group, as GRPO does, or of the whole batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from kitchen.runtime.trajectories import Advantages, ReferenceLogprobs, Trajectories

SMALL = 1e-6  #: added to a standard deviation that is divided by, as verl does


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvantageOptions:
    """How rewards become advantages; `kl` weighs the distance from the reference in them."""

    baseline: Literal["mean", "leave_one_out"] = "mean"
    scale: Literal["none", "group", "batch"] = "none"
    kl: float = 0.0


def compare(
    trajectories: Trajectories, reference: ReferenceLogprobs | None, options: AdvantageOptions
) -> Advantages:
    """The advantage of every sampled token; groups without variance are left out and counted."""
    rewards = trajectories.rewards.astype(np.float64)
    values, kept = np.zeros(len(rewards)), np.zeros(len(rewards), bool)
    groups = np.unique(trajectories.groups)
    good = bad = single = 0
    for group in groups:
        members = np.flatnonzero(trajectories.groups == group)
        own = rewards[members]
        if len(own) == 1:
            single += 1
        elif np.ptp(own) > 0:
            values[members], kept[members] = _centred(own, options), True
        elif own[0] > 0:
            good += 1
        else:
            bad += 1
    if options.scale == "batch":
        values /= rewards.std(ddof=1) + SMALL if len(rewards) > 1 else 1.0
    per_token = np.repeat(values, np.diff(trajectories.offsets)) * trajectories.sampled
    distance = _distance(trajectories, reference)
    if distance is not None:
        mean = distance[trajectories.sampled].mean()
        per_token += options.kl * (mean - distance) * trajectories.sampled
    return Advantages(
        values=per_token.astype(np.float32),
        kept=kept,
        groups=len(groups),
        all_good=good,
        all_bad=bad,
        single=single,
        kl=0.0 if distance is None else float(mean),
    )


def _centred(rewards: np.ndarray, options: AdvantageOptions) -> np.ndarray:
    """What each reward has over its baseline; rewards (n,) with n > 1 and some variance."""
    centred: np.ndarray = rewards - rewards.mean()
    if options.baseline == "leave_one_out":  # r - (sum - r) / (n - 1)
        centred = centred * len(rewards) / (len(rewards) - 1)
    if options.scale == "group":
        centred = centred / (rewards.std(ddof=1) + SMALL)
    return centred


def _distance(trajectories: Trajectories, reference: ReferenceLogprobs | None) -> np.ndarray | None:
    """log q - log p of the reference at each token, (T,); its mean estimates KL(q, reference)."""
    if reference is None:
        return None
    distance: np.ndarray = trajectories.logprobs.astype(np.float64) - reference.logprobs
    return distance
