"""The formulae of the losses, summed over tokens; their columns and settings: runtime/losses.py.

Written with l = log p(target), q = the log-probability under which the target was sampled,
r = exp(l - q), A = advantage, w = weight. Formulae as in the Tinker API's documentation of losses.
A loss from sampled tokens takes `weights` too where a batch has them; they multiply each term.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch

Columns = Mapping[str, torch.Tensor]
Settings = Mapping[str, float]
Formula = Callable[[torch.Tensor, Columns, Settings], torch.Tensor]


def cross_entropy(logprobs: torch.Tensor, columns: Columns, settings: Settings) -> torch.Tensor:
    """-sum w l. With (T, K) targets, w is the teacher's probability of each of the K tokens."""
    return -(columns["weights"] * logprobs).sum()


def importance_sampling(
    logprobs: torch.Tensor, columns: Columns, settings: Settings
) -> torch.Tensor:
    """-sum w r A: the policy gradient, corrected for who sampled."""
    return -(columns["weights"] * _ratio(logprobs, columns) * columns["advantages"]).sum()


def ppo(logprobs: torch.Tensor, columns: Columns, settings: Settings) -> torch.Tensor:
    """-sum w min(r A, clip(r, low, high) A) (Schulman et al. 2017, arXiv:1707.06347, eq. 7).

    Where A >= 0 that is min(r, high) A, and else max(r, low) A. The logarithm of the ratio is held
    rather than the ratio, which may be too large for a float and would have no slope then.
    """
    low, high = (_log(settings[f"clip_{end}_threshold"]) for end in ("low", "high"))
    distance, advantages = logprobs - columns["logprobs"], columns["advantages"]
    held = torch.where(advantages < 0, distance.clamp(min=low), distance.clamp(max=high))
    return -(columns["weights"] * held.exp() * advantages).sum()


def cispo(logprobs: torch.Tensor, columns: Columns, settings: Settings) -> torch.Tensor:
    """-sum w sg(clip(r, low, high)) A l, sg: no gradient (MiniMax-M1, arXiv:2506.13585, eq. 4)."""
    ratio = _ratio(logprobs.detach(), columns)
    clipped = ratio.clamp(settings["clip_low_threshold"], settings["clip_high_threshold"])
    return -(columns["weights"] * clipped * columns["advantages"] * logprobs).sum()


def dro(logprobs: torch.Tensor, columns: Columns, settings: Settings) -> torch.Tensor:
    """-sum w (l A - beta / 2 (l - q)^2) (Richemond et al. 2024, arXiv:2405.19107)."""
    distance = logprobs - columns["logprobs"]
    gain = logprobs * columns["advantages"] - 0.5 * settings["beta"] * distance.square()
    return -(columns["weights"] * gain).sum()


def _log(threshold: float) -> float:
    return math.log(threshold) if threshold > 0 else -math.inf


def _ratio(logprobs: torch.Tensor, columns: Columns) -> torch.Tensor:
    return torch.exp(logprobs - columns["logprobs"])


FORMULAE: Mapping[str, Formula] = {
    "cross_entropy": cross_entropy,
    "tempered_cross_entropy": cross_entropy,  # of log-probabilities at the setting `temperature`
    "importance_sampling": importance_sampling,
    "ppo": ppo,
    "cispo": cispo,
    "dro": dro,
}
