"""Stages of reinforcement learning: play episodes, compare them, make batches of them, and log."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from kitchen.ir.spec import Effect
from kitchen.runtime.config import Config, setting
from kitchen.runtime.futures import gather
from kitchen.runtime.ports import (
    DataError,
    Environment,
    ForwardOutput,
    LossOptions,
    SamplingClient,
    TrainingClient,
)
from kitchen.runtime.stage import Uses, stage
from kitchen.runtime.stages.training import losses_of, micro_batches
from kitchen.runtime.trajectories import Advantages, PolicyBatch, ReferenceLogprobs, Trajectories
from kitchen.runtime.values import Batch, Losses, Mut, Sampler, Session, Stream, Tokenizer

if TYPE_CHECKING:
    import numpy as np

Split = Literal["train", "held_out"]


@stage(effect=Effect.READS)
def open_sampler(
    session: Session,
    tokenizer: Tokenizer,
    *,
    sampling: Annotated[SamplingClient, Uses("sample")],
) -> Sampler:
    """What samples from a session's weights as they are now; once they change it is out of date."""
    return sampling.open_sampler(session, tokenizer)


class RolloutConfig(Config):
    problems: int = setting(minimum=1, doc="problems in an iteration")
    group_size: int = setting(default=1, minimum=1, doc="attempts at each problem")
    split: Split = "train"
    iteration: int = setting(default=0, minimum=0, doc="each takes the problems after the last's")
    max_tokens: int = setting(default=64, minimum=1, doc="of one turn")
    max_turns: int = setting(default=16, minimum=1)
    temperature: float = setting(default=1.0, minimum=0, doc="0 takes the likeliest token")
    seed: int = setting(default=0, minimum=0)


@stage(effect=Effect.READS)
def rollout(
    sampler: Sampler,
    tokenizer: Tokenizer,
    *,
    config: RolloutConfig,
    sampling: Annotated[SamplingClient, Uses("sample")],
    environment: Environment,
) -> Trajectories:
    """Attempts at problems, as the token ids that were sampled and what each was drawn with.

    There is no top-k and no top-p: what is never drawn has no importance ratio. At a temperature
    other than 1 the log-probabilities are those of the distribution that was drawn from.
    """
    from kitchen.runtime.rollouts import RolloutOptions, play

    return play(sampler, tokenizer, RolloutOptions(**vars(config)), sampling, environment)


class ScoreTrajectoriesConfig(Config):
    batch_size: int = setting(default=64, minimum=1, doc="episodes in one pass")


@stage(effect=Effect.READS)
def score_trajectories(
    session: Session,
    trajectories: Trajectories,
    *,
    config: ScoreTrajectoriesConfig,
    training: Annotated[TrainingClient, Uses("forward", "loss.cross_entropy")],
) -> ReferenceLogprobs:
    """The log-probability of every sampled token under a session, such as a frozen reference."""
    from kitchen.runtime.policy_batches import scored_batch, spread_scores

    bounds = range(0, trajectories.episodes, config.batch_size)
    batches = [
        scored_batch(trajectories, first, min(first + config.batch_size, trajectories.episodes))
        for first in bounds
    ]
    outputs = [training.forward(session, batch, LossOptions()).result() for batch in batches]
    return ReferenceLogprobs(spread_scores(trajectories, [output.logprobs for output in outputs]))


class GroupAdvantagesConfig(Config):
    baseline: Literal["mean", "leave_one_out"] = setting(
        default="mean", doc="what a reward is compared to: the group's mean, or that of the others"
    )
    scale: Literal["none", "group", "batch"] = setting(
        default="none", doc="divide by a standard deviation: the group's, or the whole batch's"
    )
    kl: float = setting(default=0.0, minimum=0, doc="weight of the distance from the reference")


@stage(effect=Effect.PURE)
def group_advantages(
    trajectories: Trajectories,
    reference_logprobs: ReferenceLogprobs | None,
    *,
    config: GroupAdvantagesConfig,
) -> Advantages:
    """How much better each attempt did than its group; groups that did equally well are left out.

    With log-probabilities of a reference, the distance is a term of the reward, token by token:
    kl * (mean(q - p) - (q - p)), with q and p the log-probabilities by the sampler and by it.
    """
    from kitchen.runtime.advantages import AdvantageOptions, compare

    return compare(trajectories, reference_logprobs, AdvantageOptions(**vars(config)))


class RolloutBatchesConfig(Config):
    minibatches: int = setting(default=1, minimum=1, doc="optimizer steps in an epoch")
    aggregation: Literal["token_mean", "sequence_mean", "constant", "token_sum"] = setting(
        default="token_mean", doc="how the losses of tokens add up"
    )
    max_tokens: int = setting(default=1, minimum=1, doc="what `constant` divides by")
    seed: int = setting(default=0, minimum=0)
    epoch: int = setting(default=0, minimum=0)


@stage(effect=Effect.PURE)
def rollout_batches(
    trajectories: Trajectories,
    advantages: Advantages,
    reference_logprobs: ReferenceLogprobs | None,
    *,
    config: RolloutBatchesConfig,
) -> Stream[PolicyBatch]:
    """The episodes that are learned from, in minibatches whose order seed and epoch decide."""
    from kitchen.runtime.policy_batches import PolicyBatches, PolicyBatchOptions

    return PolicyBatches(
        trajectories, advantages, reference_logprobs, PolicyBatchOptions(**vars(config))
    )


LossSetting = Literal["clip_low_threshold", "clip_high_threshold", "beta"]


class PolicyForwardBackwardConfig(Config):
    loss: Literal["importance_sampling", "ppo", "cispo", "dro"] = "ppo"
    loss_config: dict[LossSetting, float] = setting(
        default={}, doc="settings of the loss; thresholds are absolute"
    )
    micro_batch_size: int = setting(
        default=0, minimum=0, doc="episodes in one pass; 0: all of them"
    )


@stage(effect=Effect.READS)
def policy_forward_backward(
    session: Mut[Session],
    batch: PolicyBatch,
    *,
    config: PolicyForwardBackwardConfig,
    training: Annotated[TrainingClient, Uses("forward_backward", "loss.{loss}")],
) -> Future[Losses]:
    """The summed loss of sampled tokens; its gradients are added to those gathered so far.

    Its metrics tell how far the model is from the one that sampled, and how much was clipped.
    """
    from kitchen.runtime.policy_metrics import ratio_sums

    settings = {str(name): value for name, value in config.loss_config.items()}
    options = LossOptions(name=config.loss, config=settings)
    parts = list(micro_batches(batch, config.micro_batch_size))
    passes = [training.forward_backward(session, part, options) for part in parts]

    def losses(outputs: list[ForwardOutput]) -> Losses:
        told = [
            replace(
                output, metrics={**output.metrics, **ratio_sums(part, output.logprobs, options)}
            )
            for part, output in zip(parts, outputs, strict=True)
        ]
        return losses_of(parts, told)

    return gather(passes, losses)


class PenaliseDistanceConfig(Config):
    coefficient: float = setting(minimum=0)


@stage(effect=Effect.READS)
def penalise_distance(
    session: Mut[Session],
    batch: PolicyBatch,
    *,
    config: PenaliseDistanceConfig,
    training: Annotated[TrainingClient, Uses("forward_backward", "loss.dro")],
) -> Future[Losses]:
    """Add the gradient of coefficient / 2 * (l - p)^2, p from the reference's scores.

    On what the model itself sampled, its gradient estimates that of KL(model, reference) without
    bias ("k2": Schulman 2020). It is the loss `dro` without advantages.
    """
    penalty = _against_reference(batch)
    options = LossOptions(name="dro", config={"beta": config.coefficient})
    done = training.forward_backward(session, penalty, options)

    def losses(outputs: list[ForwardOutput]) -> Losses:
        weight = float(batch.columns["weights"].sum(dtype="float64"))
        return Losses(outputs[0].loss, weight, batch.trained)

    return gather([done], losses)


def _against_reference(batch: PolicyBatch) -> Batch:
    reference: np.ndarray | None = batch.columns.get("reference")
    if reference is None:
        raise DataError(
            "the batch has no log-probabilities of a reference",
            help="score the trajectories with a frozen session, before `rollout_batches`",
        )
    columns = {
        "targets": batch.columns["targets"],
        "weights": batch.columns["weights"],
        "logprobs": reference,
        "advantages": reference * 0,
    }
    return Batch(
        index=batch.index,
        tokens=batch.tokens,
        offsets=batch.offsets,
        columns=columns,
        sequences=batch.sequences,
        trained=batch.trained,
    )
