"""Stages that train a reward model on pairs of answers, and measure it."""

from __future__ import annotations

from typing import Annotated

from kitchen.ir.spec import Effect
from kitchen.runtime.config import Config, setting
from kitchen.runtime.pairs import PairBatch, Pairs
from kitchen.runtime.ports import TrainingClient
from kitchen.runtime.stage import Uses, stage
from kitchen.runtime.stages.preference import summed_losses
from kitchen.runtime.stages.preference_evaluation import PreferenceEvaluation
from kitchen.runtime.values import Losses, Mut, Pending, Session, Tokenizer


class VerdictConfig(Config):
    verdict: str = setting(
        default=" good", doc="its first token is the one whose odds after an answer are the reward"
    )


@stage(effect=Effect.PURE)
def ask_verdicts(pairs: Pairs, tokenizer: Tokenizer, *, config: VerdictConfig) -> Pairs:
    """Pairs with the verdict after each answer, as a reward model is trained and measured on."""
    from kitchen.runtime.verdicts import judged_pairs, verdict_id

    return judged_pairs(pairs, verdict_id(tokenizer, config.verdict))


class RewardForwardBackwardConfig(Config):
    micro_batch_size: int = setting(default=0, minimum=0, doc="pairs in one pass; 0: all of them")


@stage(effect=Effect.READS)
def reward_forward_backward(
    session: Mut[Session],
    pair_batch: PairBatch,
    *,
    config: RewardForwardBackwardConfig,
    training: Annotated[TrainingClient, Uses("forward_backward_custom")],
) -> Pending[Losses]:
    """The mean over pairs of -log s(r_c - r_r), r the log-odds of the verdict after an answer.

    Its gradients are added to those gathered so far.
    """
    from kitchen.runtime.futures import gather
    from kitchen.runtime.stages.training import micro_batches
    from kitchen.runtime.verdicts import RewardLoss

    parts = list(micro_batches(pair_batch.batch, 2 * config.micro_batch_size))
    loss = RewardLoss(pair_batch.pairs)
    passes = [training.forward_backward_custom(session, part, loss) for part in parts]
    return gather(passes, lambda outputs: summed_losses(parts, outputs))


class EvaluateRewardsConfig(Config):
    batch_size: int = setting(default=16, minimum=1, doc="pairs in one pass")


@stage(effect=Effect.READS)
def evaluate_rewards(
    session: Session,
    pairs: Pairs,
    *,
    config: EvaluateRewardsConfig,
    training: Annotated[TrainingClient, Uses("forward", "loss.cross_entropy")],
) -> PreferenceEvaluation:
    """How often a session gives the chosen answer of a pair the higher reward, and by how much."""
    from kitchen.runtime.scoring import pair_logprobs
    from kitchen.runtime.verdicts import reward_sums

    totals: dict[str, float] = {}
    for _, logprobs in pair_logprobs(session, pairs, training, config.batch_size):
        for name, value in reward_sums(logprobs).items():
            totals[name] = totals.get(name, 0.0) + value
    means = {name: value / pairs.pairs for name, value in totals.items()}
    loss = means.pop("loss")
    return PreferenceEvaluation(loss, means["accuracy"], means["margin"], pairs.pairs, means)
