"""Losses and their slopes as their papers write them: one token or one pair at a time, in float64.

What kitchen computes is compared with these. They share no line with it, and no library but `math`.
Written with l = log p(token) under the model, q = that under whoever sampled it, r = exp(l - q),
A = advantage, w = weight; of pairs with c and r for the chosen and the rejected answer, l summed
over an answer of n tokens, p the reference's, D = (l - p)_c - (l - p)_r.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, expm1, inf, log, log1p

Settings = Mapping[str, float]


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))


def softplus(x: float) -> float:
    """log(1 + e^x)"""
    return max(x, 0.0) + log1p(exp(-abs(x)))


# ------------------------------------------------------------------------------- of a token


def cross_entropy(w: float, l: float) -> tuple[float, float]:  # noqa: E741
    """-w l, with what it grows by with l."""
    return -w * l, -w


def policy_loss(
    name: str,
    w: float,
    l: float,  # noqa: E741
    q: float,
    advantage: float,
    settings: Settings,
) -> tuple[float, float]:
    """The loss of a sampled token, and its slope by l."""
    a = advantage
    r = exp(min(l - q, 700.0))
    low, high = settings.get("clip_low_threshold", 0.0), settings.get("clip_high_threshold", inf)
    match name:
        case "importance_sampling":  # Schulman et al. 2017, arXiv:1707.06347, eq. 6
            return -w * r * a, -w * r * a
        case "ppo":  # the same, eq. 7, with absolute thresholds
            if a >= 0:
                return -w * a * min(r, high), -w * a * r if r < high else 0.0
            return -w * a * max(r, low), -w * a * r if r > low else 0.0
        case "cispo":  # MiniMax 2025, arXiv:2506.13585, eqs. 4 and 5: no gradient through the ratio
            held = min(max(r, low), high)
            return -w * held * a * l, -w * held * a
        case "dro":  # Richemond et al. 2024, arXiv:2405.19107, eq. 4, token by token
            d, beta = l - q, settings["beta"]
            return -w * (l * a - beta / 2 * d * d), -w * (a - beta * d)
    raise ValueError(name)


# -------------------------------------------------------------------------------- of a pair

Two = tuple[float, float]


def pair_loss(
    name: str, logprobs: Two, reference: Two, tokens: Two, settings: Settings
) -> tuple[float, Two]:
    """The loss of a pair, and its slopes by the summed log-probabilities of its two answers."""
    (lc, lr), (pc, pr), (nc, nr) = logprobs, reference, tokens
    beta, smoothing = settings["beta"], settings.get("label_smoothing", 0.0)
    match name:
        case "sigmoid":
            # Rafailov et al. 2023, arXiv:2305.18290, eq. 7; labels: Mitchell 2023, "A note on DPO
            # with noisy preferences", eq. 3.
            x = beta * ((lc - pc) - (lr - pr))
            loss, slope = _smoothed(x, smoothing)
            return loss, (beta * slope, -beta * slope)
        case "simpo":  # Meng, Xia, Chen 2024, arXiv:2405.14734, eq. 6
            x = beta * (lc / nc - lr / nr) - settings["gamma"]
            loss, slope = _smoothed(x, smoothing)
            return loss, (beta * slope / nc, -beta * slope / nr)
        case "ipo":
            # Azar et al. 2023, arXiv:2310.12036, eq. 17, of means over tokens, as its authors ran.
            off = (lc - pc) / nc - (lr - pr) / nr - 1 / (2 * beta)
            return off * off, (2 * off / nc, -2 * off / nr)
        case "hinge":  # Zhao et al. 2023, arXiv:2305.10425, eq. 1, as RSO writes it (2309.06657)
            short = 1 - beta * ((lc - pc) - (lr - pr))
            return (short, (-beta, beta)) if short > 0 else (0.0, (0.0, 0.0))
        case "orpo":  # Hong, Lee, Thorne 2024, arXiv:2403.07691, eqs. 4, 6 and 7
            mc, mr = lc / nc, lr / nr
            x = _log_odds(mc) - _log_odds(mr)
            pull = -beta * sigmoid(-x)
            return (
                -mc + beta * softplus(-x),
                ((-1 + pull * _odds_slope(mc)) / nc, -pull * _odds_slope(mr) / nr),
            )
    raise ValueError(name)


def _smoothed(x: float, smoothing: float) -> tuple[float, float]:
    """-(1 - e) log s(x) - e log s(-x), and its slope by x."""
    loss = (1 - smoothing) * softplus(-x) + smoothing * softplus(x)
    return loss, -(1 - smoothing) * sigmoid(-x) + smoothing * sigmoid(x)


def _log_odds(m: float) -> float:
    """log(e^m / (1 - e^m))"""
    return m - log(-expm1(m))


def _odds_slope(m: float) -> float:
    """How the log-odds grow with m: 1 / (1 - e^m)."""
    return -1 / expm1(m)
