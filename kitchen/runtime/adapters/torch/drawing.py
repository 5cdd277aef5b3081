"""The distribution that a token is drawn from, and drawing from it."""

from __future__ import annotations

import torch

from kitchen.runtime.ports import SamplingParams


def chances_of(known: torch.Tensor, params: SamplingParams) -> torch.Tensor:
    """Log-probabilities (R, V) after temperature, then top-k, then top-p.

    They are `known` itself where nothing changes them.
    """
    if params.temperature != 1:
        known = (known / params.temperature).log_softmax(1)
    if 0 < params.top_k < known.shape[1]:
        least = known.topk(params.top_k, 1).values[:, -1:]
        known = known.masked_fill(known < least, -torch.inf).log_softmax(1)
    if params.top_p < 1:
        ordered, order = known.double().exp().sort(stable=True, dim=1, descending=True)
        before = ordered.cumsum(1) - ordered
        cut = torch.zeros_like(before, dtype=torch.bool).scatter(1, order, before >= params.top_p)
        known = known.masked_fill(cut, -torch.inf).log_softmax(1)
    return known


def drawn_from(chances: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    """A token of each row, by inverting the distribution function at a uniform number (R, 1)."""
    below = chances.exp().cumsum(1, dtype=torch.float64)
    at = torch.searchsorted(below, draws * below[:, -1:], right=True)
    return at[:, 0].clamp_max(chances.shape[1] - 1)
