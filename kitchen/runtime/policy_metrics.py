"""What a pass of a policy's loss tells of the policy: sums over sampled tokens, by name.

With l and q the log-probabilities of a token by the model that is trained and by the distribution
it was drawn from, r = exp(l - q): `kl_sample_train_v1` is the mean of q - l, `_v2` that of half its
square (Schulman, "Approximating KL divergence", 2020); a ratio is clipped where that stops it from
moving further with its advantage (as TRL counts `clip_ratio`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kitchen.runtime.losses import loss_settings
from kitchen.runtime.ports import LossOptions
from kitchen.runtime.values import Batch

COUNT = "sampled:sum"


def ratio_sums(batch: Batch, logprobs: np.ndarray, options: LossOptions) -> dict[str, float]:
    """The sums of a pass over a batch of sampled tokens."""
    on = batch.columns["weights"] != 0
    drawn = batch.columns["logprobs"][on].astype(np.float64)
    distance = drawn - logprobs[on]
    settings = loss_settings(options)
    low = settings.get("clip_low_threshold", 0.0)
    high = settings.get("clip_high_threshold", np.inf)
    ratio, advantages = np.exp(-distance), batch.columns["advantages"][on]
    return {
        COUNT: float(on.sum()),
        "kl_sample_train_v1:sum": float(distance.sum()),
        "kl_sample_train_v2:sum": float(0.5 * np.square(distance).sum()),
        "entropy:sum": float(-drawn.sum()),
        "clip_low:sum": float(((ratio < low) & (advantages < 0)).sum()),
        "clip_high:sum": float(((ratio > high) & (advantages > 0)).sum()),
    }


def policy_figures(sums: Mapping[str, float]) -> dict[str, float]:
    """Means under the names of tinker-cookbook (`optim/`) and TRL (`clip_ratio/`)."""
    count = sums[COUNT]

    def mean(name: str) -> float:
        return sums[f"{name}:sum"] / count if count else 0.0

    low, high = mean("clip_low"), mean("clip_high")
    return {
        "optim/kl_sample_train_v1": mean("kl_sample_train_v1"),
        "optim/kl_sample_train_v2": mean("kl_sample_train_v2"),
        "optim/entropy": mean("entropy"),
        "clip_ratio/low_mean": low,
        "clip_ratio/high_mean": high,
        "clip_ratio/region_mean": low + high,
    }
