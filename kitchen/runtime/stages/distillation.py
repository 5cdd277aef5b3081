"""Stages that train a student on what its teachers hold likely, and measure how near it came."""

from __future__ import annotations

import math
from typing import Annotated, NamedTuple

from kitchen.ir.spec import Effect
from kitchen.runtime.config import Config, setting
from kitchen.runtime.ports import DataError, ForwardOutput, MetricsStore, TrainingClient
from kitchen.runtime.stage import Uses, stage
from kitchen.runtime.stages.data import BuildBatchesConfig
from kitchen.runtime.stages.training import micro_batches
from kitchen.runtime.teachers import Distance, SoftTargets
from kitchen.runtime.values import Batch, Losses, Mut, Pending, Session, Stream, Tokens


@stage(effect=Effect.PURE)
def build_soft_batches(
    tokens: Tokens, soft_targets: SoftTargets, *, config: BuildBatchesConfig
) -> Stream[Batch]:
    """One epoch of batches with the teachers' soft targets beside the tokens of the data."""
    from kitchen.runtime.batching import BatchOptions
    from kitchen.runtime.soft_targets import SoftBatchStream

    _must_fit(tokens, soft_targets)
    return SoftBatchStream(tokens, soft_targets, BatchOptions(**vars(config)))


class DistillConfig(Config):
    alpha: float = setting(
        default=0.5, minimum=0, maximum=1, doc="share of the divergence; the rest is cross-entropy"
    )
    temperature: float = setting(default=1.0, above=0, doc="that of the soft targets")
    soft_loss: str = setting(
        default="cross_entropy", doc="`tempered_cross_entropy` at a temperature that is not 1"
    )
    micro_batch_size: int = setting(
        default=0, minimum=0, doc="sequences in one pass; 0: all of them"
    )


class Distilled(NamedTuple):
    """The loss of a batch, and the divergence in it."""

    losses: Losses
    distance: Distance


@stage(effect=Effect.READS)
def distill(
    session: Mut[Session],
    batch: Batch,
    *,
    config: DistillConfig,
    training: Annotated[
        TrainingClient, Uses("forward_backward", "loss.cross_entropy", "loss.{soft_loss}")
    ],
) -> Pending[Distilled]:
    """alpha T^2 KL(teachers || student) + (1 - alpha) CE; its gradients are added to those so far.

    At a temperature that is not 1 a batch takes two passes.
    """
    from kitchen.runtime.distilling import Objective, distance_from, passes_of, terms_of
    from kitchen.runtime.futures import gather

    objective = Objective(config.alpha, config.temperature)
    if objective.loss.name != config.soft_loss:
        raise DataError(
            f"temperature {config.temperature:g} takes the loss `{objective.loss.name}`, "
            f"not `{config.soft_loss}`",
            help=f"set `soft_loss: {objective.loss.name}`",
        )
    parts = list(micro_batches(batch, config.micro_batch_size))
    asked = [list(passes_of(part, objective)) for part in parts]
    passes = [
        gather([training.forward_backward(session, *one) for one in part], list) for part in asked
    ]

    def combine(outputs: list[list[ForwardOutput]]) -> Distilled:
        terms = [terms_of(part, objective, one) for part, one in zip(parts, outputs, strict=True)]
        weight, tokens = math.fsum(t.weight for t in terms), sum(t.tokens for t in terms)
        loss = math.fsum(t.loss for t in terms)
        return Distilled(Losses(loss=loss, weight=weight, tokens=tokens), distance_from(terms))

    return gather(passes, combine)


class MeasureDistanceConfig(Config):
    batch_size: int = setting(default=16, minimum=1, doc="sequences in one pass")


@stage(effect=Effect.READS)
def measure_distance(
    session: Session,
    tokens: Tokens,
    soft_targets: SoftTargets,
    *,
    config: MeasureDistanceConfig,
    training: Annotated[TrainingClient, Uses("forward", "loss.cross_entropy")],
) -> Distance:
    """The mean divergence of a student from its teachers over the trained tokens of a data set.

    The student's distribution is that at temperature 1, so the soft targets are to be, too.
    """
    from kitchen.runtime.soft_targets import distance_of

    _must_fit(tokens, soft_targets)
    return distance_of(session, tokens, soft_targets, config.batch_size, training)


def _must_fit(tokens: Tokens, soft_targets: SoftTargets) -> None:
    if soft_targets.digest != tokens.digest:
        raise DataError(
            "the soft targets are of other tokens",
            help="give `soft_targets` the tokens that it is to be used with",
        )


class LogDistanceConfig(Config):
    step: int = setting(minimum=0)
    prefix: str = "train"


@stage(effect=Effect.WRITES)
def log_distance(distance: Distance, *, config: LogDistanceConfig, metrics: MetricsStore) -> None:
    """Keep how far a student is from its teachers, under a step, as `PREFIX/teacher_kl`.

    Where there are several, the distance from each is `PREFIX/teacher_kl/teacher_0` and so on.
    """
    figures = {f"{config.prefix}/teacher_kl": distance.kl}
    if len(distance.by_teacher) > 1:
        for number, kl in enumerate(distance.by_teacher):
            figures[f"{config.prefix}/teacher_kl/teacher_{number}"] = kl
    metrics.log(config.step, figures)
