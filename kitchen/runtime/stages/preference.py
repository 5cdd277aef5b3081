"""Stages that train a model to prefer one answer to another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from kitchen.ir.spec import Effect
from kitchen.runtime.config import Config, setting
from kitchen.runtime.pairs import PairBatch, ReferenceScores
from kitchen.runtime.ports import ForwardOutput, MetricsStore, TrainingClient
from kitchen.runtime.stage import NeededFor, Uses, stage
from kitchen.runtime.values import Batch, Losses, Mut, Pending, Session, Update

if TYPE_CHECKING:
    from kitchen.runtime.preference_losses import PreferenceOptions

Loss = Literal["sigmoid", "ipo", "hinge", "orpo", "simpo"]
Reference = Annotated[ReferenceScores | None, NeededFor("loss", "sigmoid", "ipo", "hinge")]


class PreferenceConfig(Config):
    """Which loss, and what it is told."""

    loss: Loss = "sigmoid"
    beta: float = setting(default=0.1, above=0, doc="how much a difference of rewards counts")
    label_smoothing: float = setting(
        default=0.0, minimum=0, below=0.5, doc="share of the labels that are wrong; sigmoid, simpo"
    )
    gamma: float = setting(default=0.5, minimum=0, doc="simpo: the margin that is aimed at")
    nll_weight: float = setting(
        default=0.0, minimum=0, doc="how much of the chosen answers' own loss is added"
    )


def options_of(config: PreferenceConfig) -> PreferenceOptions:
    """The loss that the settings name, without what is a stage's own."""
    from kitchen.runtime.preference_losses import PreferenceOptions

    return PreferenceOptions(
        loss=config.loss,
        beta=config.beta,
        label_smoothing=config.label_smoothing,
        gamma=config.gamma,
        nll_weight=config.nll_weight,
    )


class PreferenceForwardBackwardConfig(PreferenceConfig):
    micro_batch_size: int = setting(default=0, minimum=0, doc="pairs in one pass; 0: all of them")


@stage(effect=Effect.READS)
def preference_forward_backward(
    session: Mut[Session],
    pair_batch: PairBatch,
    reference_scores: Reference,
    *,
    config: PreferenceForwardBackwardConfig,
    training: Annotated[TrainingClient, Uses("forward_backward_custom")],
) -> Pending[Losses]:
    """The mean loss of a batch of pairs; its gradients are added to those gathered so far."""
    from kitchen.runtime.futures import gather
    from kitchen.runtime.preference_passes import PairLoss, reference_of
    from kitchen.runtime.stages.training import micro_batches

    options = options_of(config)
    reference = reference_of(pair_batch, reference_scores, options)
    parts = list(micro_batches(pair_batch.batch, 2 * config.micro_batch_size))
    first, passes = 0, []
    for part in parts:
        last = first + part.sequences // 2
        loss = PairLoss(reference[first:last], pair_batch.pairs, options)
        passes.append(training.forward_backward_custom(session, part, loss))
        first = last
    return gather(passes, lambda outputs: summed_losses(parts, outputs))


def summed_losses(parts: list[Batch], outputs: list[ForwardOutput]) -> Losses:
    """What passes over the parts of a batch gave, each of them its share of the batch's mean."""
    names = dict.fromkeys(name for output in outputs for name in output.metrics)
    return Losses(
        loss=math.fsum(output.loss for output in outputs),
        weight=1.0,
        tokens=sum(part.trained for part in parts),
        metrics={name: math.fsum(one.metrics[name] for one in outputs) for name in names},
    )


class LogPreferencesConfig(Config):
    steps_before: int = setting(default=0, minimum=0, doc="of an earlier phase; counting goes on")
    prefix: str = "train"


@stage(effect=Effect.WRITES)
def log_preferences(
    losses: Losses, update: Update, *, config: LogPreferencesConfig, metrics: MetricsStore
) -> None:
    """Keep a step's mean loss over pairs, and its rewards under the names of two systems."""
    values = {
        "loss": losses.loss,
        "grad_norm": update.grad_norm,
        "learning_rate": update.learning_rate,
        "tokens": float(losses.tokens),
        **losses.metrics,
    }
    step = config.steps_before + update.step
    metrics.log(step, {f"{config.prefix}/{name}": value for name, value in values.items()})
