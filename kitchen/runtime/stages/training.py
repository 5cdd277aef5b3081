"""Stages that train a model: open a session, pass batches through it, step, log."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from kitchen.ir.spec import Effect
from kitchen.runtime.config import Config, setting
from kitchen.runtime.ports import (
    AdamParams,
    ForwardOutput,
    LossOptions,
    MetricsStore,
    ModelOptions,
    TrainingClient,
)
from kitchen.runtime.stage import Uses, stage
from kitchen.runtime.values import Batch, Closes, Losses, Mut, Pending, Session, Tokenizer, Update

if TYPE_CHECKING:
    import numpy as np


class OpenSessionConfig(Config):
    model: str = setting(doc="a preset, a folder, a hub id, package:NAME, or run:NAME")
    lora_rank: int = setting(default=0, minimum=0, doc="0 trains all weights")
    lora_alpha: float = setting(default=32.0, minimum=0)
    lora_dropout: float = setting(default=0.0, minimum=0, below=1)
    lora_targets: tuple[str, ...] = setting(
        default=(), doc="linear layers; none named: all of them"
    )
    dropout: float | None = setting(
        default=None, minimum=0, below=1, doc="default: the model's own"
    )
    seed: int = setting(default=0, minimum=0)


@stage(effect=Effect.READS)
def open_session(
    tokenizer: Tokenizer,
    *,
    config: OpenSessionConfig,
    training: Annotated[TrainingClient, Uses("forward_backward")],
) -> Session:
    """A model ready to train, with its own optimizer and stream of random numbers."""
    return training.open_session(ModelOptions(**vars(config)), tokenizer)


@stage(effect=Effect.READS)
def close_session(session: Closes[Session], *, training: TrainingClient) -> None:
    """Let go of a session's model."""
    training.close_session(session)


# ------------------------------------------------------------------------------- one step


class ForwardBackwardConfig(Config):
    loss: Literal["cross_entropy", "tempered_cross_entropy"] = setting(
        default="cross_entropy", doc="losses of what was sampled: `policy_forward_backward`"
    )
    loss_config: dict[str, float] = setting(
        default={}, doc="settings of the loss; thresholds are absolute"
    )
    micro_batch_size: int = setting(
        default=0, minimum=0, doc="sequences in one pass; 0: all of them"
    )


@stage(effect=Effect.READS)
def forward_backward(
    session: Mut[Session],
    batch: Batch,
    *,
    config: ForwardBackwardConfig,
    training: Annotated[TrainingClient, Uses("forward_backward", "loss.{loss}")],
) -> Pending[Losses]:
    """The summed loss of a batch; its gradients are added to those gathered so far."""
    from kitchen.runtime.futures import gather

    options = LossOptions(name=config.loss, config=config.loss_config)
    parts = list(micro_batches(batch, config.micro_batch_size))
    passes = [training.forward_backward(session, part, options) for part in parts]
    return gather(passes, lambda outputs: losses_of(parts, outputs))


def micro_batches(batch: Batch, size: int) -> Iterator[Batch]:
    """A batch in pieces of `size` sequences, without copying; 0 leaves it whole.

    Losses are sums, so the gradients of the pieces add up to those of the whole.
    """
    if size == 0 or size >= batch.sequences:
        yield batch
        return
    for first in range(0, batch.sequences, size):
        bounds = batch.offsets[first : first + size + 1]
        span = slice(int(bounds[0]), int(bounds[-1]))
        columns = {name: column[span] for name, column in batch.columns.items()}
        yield Batch(
            index=batch.index,
            tokens=batch.tokens[span],
            offsets=bounds - bounds[0],
            columns=columns,
            sequences=len(bounds) - 1,
            trained=_trained(columns),
        )


def _trained(columns: Mapping[str, np.ndarray]) -> int:
    weights = columns.get("weights")
    return len(columns["targets"]) if weights is None else int((weights > 0).sum())


def losses_of(parts: list[Batch], outputs: list[ForwardOutput]) -> Losses:
    """The losses of the pieces of a batch, as those of the whole."""
    weight = 0.0
    for part in parts:
        weights = part.columns.get("weights")
        weight += float(len(part.tokens) if weights is None else weights.sum(dtype="float64"))
    metrics: dict[str, float] = {}
    for output in outputs:
        for name, value in output.metrics.items():
            metrics[name] = metrics.get(name, 0.0) + value
    return Losses(
        loss=math.fsum(output.loss for output in outputs),
        weight=weight,
        tokens=sum(part.trained for part in parts),
        metrics=metrics,
    )


class OptimStepConfig(Config):
    learning_rate: float = setting(default=1e-4, minimum=0)
    beta1: float = setting(default=0.9, minimum=0, below=1)
    beta2: float = setting(default=0.95, minimum=0, below=1)
    eps: float = setting(default=1e-8, minimum=0)
    weight_decay: float = setting(default=0.0, minimum=0, doc="decoupled, as in AdamW")
    grad_clip_norm: float = setting(default=0.0, minimum=0, doc="0 does not clip")


@stage(effect=Effect.READS)
def optim_step(
    session: Mut[Session],
    *,
    config: OptimStepConfig,
    training: Annotated[TrainingClient, Uses("optim_step")],
) -> Pending[Update]:
    """Apply the gathered gradients once with AdamW, and clear them."""
    from kitchen.runtime.futures import gather

    done = training.optim_step(session, AdamParams(**vars(config)))
    return gather(
        [done],
        lambda outputs: Update(outputs[0].step, outputs[0].grad_norm, config.learning_rate),
    )


class LogMetricsConfig(Config):
    prefix: str = "train"


@stage(effect=Effect.WRITES)
def log_metrics(
    losses: Losses, update: Update, *, config: LogMetricsConfig, metrics: MetricsStore
) -> None:
    """Keep a step's mean loss, gradient norm, learning rate and trained tokens."""
    values = {
        "loss": losses.loss / losses.weight if losses.weight else losses.loss,
        "grad_norm": update.grad_norm,
        "learning_rate": update.learning_rate,
        "tokens": float(losses.tokens),
    }
    metrics.log(update.step, {f"{config.prefix}/{name}": value for name, value in values.items()})
