"""A causal language model as a reward model: the odds of one token after an answer.

The reward of an answer is the log-odds of a fixed token, the verdict, in the place after it:
r = log p - log (1 - p), p the verdict's probability. That is what a generative verifier says by
"Yes" (Zhang et al. 2024, arXiv:2408.15240), without its question: nothing is asked, so the reward
means nothing before it is trained, and any token would do. It is trained on pairs by the likelihood
of Bradley and Terry (1952), -log s(r_c - r_r), as InstructGPT's was (Ouyang et al. 2022,
arXiv:2203.02155, eq. 1), which a linear head on the last hidden state usually computes. The
verdict's logit is such a head, and is measured against those of all other tokens; so a reward model
is saved and loaded as any model is, and any backend that gives log-probabilities trains it.

Rewards are known up to what is added to all of one prompt. Log-probabilities are float32, so the
odds are cut at a million to one: beyond, an answer is as good as can be told.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from kitchen.runtime.pairs import Pairs
from kitchen.runtime.ports import DataError, LossSlopes
from kitchen.runtime.preference_losses import log1mexp, sigmoid
from kitchen.runtime.scoring import pair_sums
from kitchen.runtime.values import Batch, Tokenizer, Tokens

NEAREST = -1e-6  #: log-probabilities above count as this


def verdict_id(tokenizer: Tokenizer, verdict: str) -> int:
    """The token that is the verdict: the first of its text."""
    ids = tokenizer.encode([verdict])[0]
    if len(ids) == 0:
        raise DataError("the verdict is no token", help='name a word: `verdict: " good"`')
    return int(ids[0])


def judged_pairs(pairs: Pairs, verdict: int) -> Pairs:
    """The pairs with the verdict after each answer; it alone carries weight."""
    digest = hashlib.sha256(f"{pairs.digest} verdict {verdict}".encode()).hexdigest()
    tokens = judged_sequences(pairs.tokens.tokens, pairs.tokens.offsets, verdict, digest)
    return replace(pairs, digest=digest, tokens=tokens)


def judged_sequences(
    tokens: np.ndarray, offsets: np.ndarray, verdict: int, digest: str = ""
) -> Tokens:
    """Sequences with the verdict after each; it alone carries weight."""
    count = len(offsets) - 1
    ends = offsets + np.arange(count + 1)
    weights = np.zeros(int(ends[-1]), np.float32)
    weights[ends[1:] - 1] = 1
    return Tokens(
        digest=digest,
        tokens=np.insert(tokens, offsets[1:], verdict),
        weights=weights,
        offsets=ends,
        sequences=count,
        trained=count,
        truncated=0,
        bytes=0,
    )


def rewards_of(logprobs: np.ndarray) -> np.ndarray:
    """The log-odds of verdicts by their log-probabilities."""
    held = np.minimum(logprobs, NEAREST)
    found: np.ndarray = held - log1mexp(held)
    return found


def _slopes_of(logprobs: np.ndarray) -> np.ndarray:
    """How fast a reward grows with the verdict's log-probability l: 1 / (1 - e^l)."""
    held = np.minimum(logprobs, NEAREST)
    return np.where(logprobs < NEAREST, -1 / np.expm1(held), 0.0)


@dataclass(frozen=True, slots=True)
class RewardLoss:
    """The loss of some pairs, as a share of the mean over the batch that they are part of."""

    pairs: int  #: in the whole batch

    def __call__(self, batch: Batch, logprobs: np.ndarray) -> LossSlopes:
        sums = pair_sums(batch, logprobs)
        difference = rewards_of(sums) @ np.array([1.0, -1.0])
        pull = -sigmoid(-difference)[:, None] * np.array([1.0, -1.0]) * _slopes_of(sums)
        by_sequence = pull.ravel() / self.pairs
        slopes = np.repeat(by_sequence, np.diff(batch.offsets)) * batch.columns["weights"]
        totals = reward_sums(sums)
        loss = totals.pop("loss") / self.pairs
        metrics = {name: value / self.pairs for name, value in totals.items()}
        return LossSlopes(loss, slopes, metrics)


def reward_sums(logprobs: np.ndarray) -> dict[str, float]:
    """Sums over pairs of the loss and of what people follow, as preference losses name it."""
    rewards = rewards_of(logprobs)
    chosen, rejected = rewards.sum(0).tolist()
    right = float((rewards[:, 0] > rewards[:, 1]).sum())
    return {
        "loss": float(np.logaddexp(0, rewards[:, 1] - rewards[:, 0]).sum()),
        "accuracy": right,
        "margin": chosen - rejected,
        "chosen_reward": chosen,
        "rejected_reward": rejected,
        "rewards/chosen": chosen,
        "rewards/rejected": rejected,
        "rewards/margins": chosen - rejected,
        "rewards/accuracies": right,
    }
