"""Losses over pairs of answers, each with its slopes, in float64.

Written with c and r for the chosen and the rejected answer, l = log p(answer) under the model and
q = that under the reference, n = the answer's tokens, and D = (l - q)_c - (l - q)_r. The loss of a
batch is the mean over its pairs. Rewards are what a loss compares: beta (l - q), or beta l / n
where there is no reference; a margin is the difference of two rewards, so it has beta in it once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

#: Mean log-probabilities are kept this far below 0: the odds of what is certain are infinite.
CERTAIN = -1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceOptions:
    """A loss by name with its settings, and how far the labels are trusted."""

    loss: str = "sigmoid"
    beta: float = 0.1
    label_smoothing: float = 0.0
    gamma: float = 0.5
    nll_weight: float = 0.0  #: of the chosen answers' own loss, which is added

    @property
    def compares(self) -> bool:
        """Whether the loss compares with a reference."""
        return self.loss in WITH_REFERENCE


@dataclass(frozen=True, slots=True, eq=False)
class Preferences:
    """What a loss gives for each pair: arrays (pairs,), slopes and rewards (pairs, 2)."""

    losses: np.ndarray
    slopes: np.ndarray  #: by the summed log-probability of each answer
    rewards: np.ndarray
    nll: np.ndarray | None = None  #: mean over the chosen answer's tokens, where the loss has it


Formula = Callable[[np.ndarray, PreferenceOptions], tuple[np.ndarray, np.ndarray]]


def preferences(
    logprobs: np.ndarray, reference: np.ndarray, tokens: np.ndarray, options: PreferenceOptions
) -> Preferences:
    """The losses of pairs, all arrays (pairs, 2): chosen first, then rejected.

    `logprobs` and `reference` are sums over each answer, `tokens` counts what they are sums of.
    With `nll_weight` w, -w l_c / n_c is added (Pang et al. 2024, arXiv:2404.19733, eq. 1): where
    answers are right or wrong, it keeps the right ones from becoming unlikely with the wrong ones.
    """
    found = _compared(logprobs, reference, tokens, options)
    if options.nll_weight == 0:
        return found
    nll = -logprobs[:, 0] / tokens[:, 0]
    pull = -options.nll_weight / tokens * np.array([1.0, 0.0])
    losses = found.losses + options.nll_weight * nll
    return Preferences(losses, found.slopes + pull, found.rewards, nll)


def _compared(
    logprobs: np.ndarray, reference: np.ndarray, tokens: np.ndarray, options: PreferenceOptions
) -> Preferences:
    if options.loss == "orpo":
        return _orpo(logprobs / tokens, tokens, options)
    scale: np.ndarray | float = 1.0
    if options.loss in PER_TOKEN:
        scale = 1.0 / tokens
    compared = (logprobs - reference if options.compares else logprobs) * scale
    losses, slopes = FORMULAE[options.loss](compared[:, 0] - compared[:, 1], options)
    signs = np.array([1.0, -1.0])
    return Preferences(losses, slopes[:, None] * signs * scale, options.beta * compared)


def _sigmoid(difference: np.ndarray, options: PreferenceOptions) -> tuple[np.ndarray, np.ndarray]:
    """-(1 - e) log s(beta D) - e log s(-beta D): DPO (Rafailov et al. 2023, arXiv:2305.18290, eq.
    7), its labels smoothed by e (Mitchell 2023, "A note on DPO with noisy preferences").
    """
    return _logistic(options.beta * difference, options.label_smoothing, options.beta)


def _simpo(difference: np.ndarray, options: PreferenceOptions) -> tuple[np.ndarray, np.ndarray]:
    """-log s(beta (l_c / n_c - l_r / n_r) - gamma) (Meng et al. 2024, arXiv:2405.14734, eq. 6)."""
    margin = options.beta * difference - options.gamma
    return _logistic(margin, options.label_smoothing, options.beta)


def _logistic(margin: np.ndarray, smoothing: float, beta: float) -> tuple[np.ndarray, np.ndarray]:
    losses = (1 - smoothing) * np.logaddexp(0, -margin) + smoothing * np.logaddexp(0, margin)
    return losses, beta * (smoothing * sigmoid(margin) - (1 - smoothing) * sigmoid(-margin))


def _ipo(difference: np.ndarray, options: PreferenceOptions) -> tuple[np.ndarray, np.ndarray]:
    """(D - 1 / (2 beta))^2 (Azar et al. 2023, arXiv:2310.12036, eq. 17), D by means over tokens.

    The paper writes sums; its authors' experiments, and TRL, divide each answer's by its length.
    """
    away = difference - 1 / (2 * options.beta)
    return away**2, 2 * away


def _hinge(difference: np.ndarray, options: PreferenceOptions) -> tuple[np.ndarray, np.ndarray]:
    """max(0, 1 - beta D) (SLiC, Zhao et al. 2023, arXiv:2305.10425; RSO, arXiv:2309.06657)."""
    short = 1 - options.beta * difference
    return np.maximum(short, 0), np.where(short > 0, -options.beta, 0.0)


def _orpo(means: np.ndarray, tokens: np.ndarray, options: PreferenceOptions) -> Preferences:
    """-m_c - beta log s(logit(e^m_c) - logit(e^m_r)), m = l / n (ORPO, Hong et al. 2024,
    arXiv:2403.07691, eqs. 6 and 7): what supervised training has, and the ratio of the odds.
    """
    held = np.minimum(means, CERTAIN)
    odds = held - log1mexp(held)
    ratio = odds[:, 0] - odds[:, 1]
    losses = -means[:, 0] + options.beta * np.logaddexp(0, -ratio)
    pull = options.beta * sigmoid(-ratio)[:, None] / np.expm1(held)  # d odds / d m = -1 / expm1(m)
    slopes = pull * np.array([1.0, -1.0]) - np.array([1.0, 0.0])
    return Preferences(losses, slopes / tokens, options.beta * means, nll=-means[:, 0])


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-x), without overflow."""
    found: np.ndarray = np.exp(-np.logaddexp(0, -x))
    return found


def log1mexp(x: np.ndarray) -> np.ndarray:
    """log(1 - e^x) for x < 0 (Mächler 2012, "Accurately computing log(1 - exp(-|a|))")."""
    near = x > -np.log(2)
    found: np.ndarray = np.where(
        near, np.log(-np.expm1(np.where(near, x, -1.0))), np.log1p(-np.exp(np.where(near, -1.0, x)))
    )
    return found


FORMULAE: Mapping[str, Formula] = {
    "sigmoid": _sigmoid,
    "ipo": _ipo,
    "hinge": _hinge,
    "simpo": _simpo,
}
WITH_REFERENCE = ("sigmoid", "ipo", "hinge")
PER_TOKEN = ("ipo", "simpo")


def metrics_of(
    found: Preferences, logprobs: np.ndarray, options: PreferenceOptions
) -> dict[str, float]:
    """Sums over pairs of what people follow, under the names of tinker-cookbook and of TRL."""
    chosen, rejected = found.rewards.sum(0).tolist()
    right = float((found.rewards[:, 0] > found.rewards[:, 1]).sum())
    named = {
        "accuracy": right,
        "margin": chosen - rejected,
        "chosen_reward": chosen,
        "rejected_reward": rejected,
        "rewards/chosen": chosen,
        "rewards/rejected": rejected,
        "rewards/margins": chosen - rejected,
        "rewards/accuracies": right,
        "logps/chosen": float(logprobs[:, 0].sum()),
        "logps/rejected": float(logprobs[:, 1].sum()),
    }
    if options.compares:
        named["dpo_loss"] = float(found.losses.sum())
    if found.nll is not None:
        named["nll_loss"] = float(found.nll.sum())
    return named
