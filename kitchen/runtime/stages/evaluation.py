"""Stages that measure a session on held-out data and remember the best of what they saw."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from kitchen.ir.spec import Effect
from kitchen.runtime.config import Config, setting
from kitchen.runtime.ports import (
    DataError,
    ForwardOutput,
    LossOptions,
    MetricsStore,
    TrainingClient,
)
from kitchen.runtime.stage import Uses, stage
from kitchen.runtime.values import Batch, Evaluation, Record, Session, Tokens

if TYPE_CHECKING:
    from concurrent.futures import Future

LARGEST = 700.0  #: the exponential of more is no float
AHEAD = 2  #: passes asked for before the first of them is read


class EvaluateConfig(Config):
    batch_size: int = setting(default=16, minimum=1, doc="sequences in one pass")


@stage(effect=Effect.READS)
def evaluate(
    session: Session,
    tokens: Tokens,
    *,
    config: EvaluateConfig,
    training: Annotated[TrainingClient, Uses("forward", "loss.cross_entropy")],
) -> Evaluation:
    """Means over the trained tokens of a data set, under a session's current weights.

    Bits per byte are the loss in bits, spread over the bytes of the text that was trained on; they
    compare models whose tokenizers differ.
    """
    loss = correct = weight = 0.0
    running: deque[tuple[float, Future[ForwardOutput]]] = deque()

    def read() -> None:
        nonlocal loss, correct, weight
        part, output = running[0][0], running.popleft()[1].result()
        loss, weight = loss + output.loss, weight + part
        correct += output.metrics.get("correct:sum", math.nan)

    for batch in evaluation_batches(tokens, config.batch_size):
        part = float(batch.columns["weights"].sum(dtype="float64"))
        running.append((part, training.forward(session, batch, LossOptions())))
        if len(running) > AHEAD:
            read()
    while running:
        read()
    if weight == 0:
        raise DataError(
            "the data set to evaluate on has no trained token",
            help="hold out more rows, or look at `train_on`",
        )
    mean = loss / weight
    return Evaluation(
        loss=mean,
        accuracy=correct / weight,
        perplexity=math.exp(min(mean, LARGEST)),
        bits_per_byte=loss / math.log(2) / tokens.bytes if tokens.bytes else math.nan,
        tokens=tokens.trained,
    )


def evaluation_batches(tokens: Tokens, size: int) -> Iterator[Batch]:
    """Each sequence once, those of like length together, shifted by one token."""
    import numpy as np

    from kitchen.runtime.batching import gather

    lengths = np.diff(tokens.offsets)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 1]
    for index, first in enumerate(range(0, len(order), size)):
        yield gather(tokens, order[first : first + size], index, normalised=False)


class LogEvaluationConfig(Config):
    step: int = setting(minimum=0)
    prefix: str = "eval"


@stage(effect=Effect.WRITES)
def log_evaluation(
    evaluation: Evaluation, *, config: LogEvaluationConfig, metrics: MetricsStore
) -> None:
    """Keep an evaluation's figures under a step."""
    metrics.log(
        config.step,
        {
            f"{config.prefix}/{name}": getattr(evaluation, name)
            for name in ("loss", "accuracy", "perplexity", "bits_per_byte")
        },
    )


@dataclass(frozen=True, slots=True)
class Best(Record):
    """The best evaluation so far: its loss and step; `since` counts those after it.

    `latest`: the step of the last one, -1 before the first. `improved`: that is the best. `stop`:
    patience is at an end, or the target is reached.
    """

    loss: float
    step: int
    latest: int
    since: int
    improved: bool
    stop: bool


class TrackBestConfig(Config):
    step: int = setting(minimum=0)
    patience: int = setting(
        default=0, minimum=0, doc="evaluations without a lower loss before `stop`; 0: never"
    )
    target: float = setting(default=0.0, minimum=0, doc="a loss at which to `stop`; 0: none")


@stage(effect=Effect.PURE)
def track_best(
    evaluation: Evaluation | None, best: Best | None, *, config: TrackBestConfig
) -> Best:
    """The best evaluation after one more, by its loss; before the first, anything is better."""
    return best_after(None if evaluation is None else evaluation.loss, best, config)


def best_after(loss: float | None, best: Best | None, config: TrackBestConfig) -> Best:
    """The best after an evaluation of that loss; None is no evaluation."""
    if loss is None:
        return best or Best(math.inf, config.step, -1, since=0, improved=False, stop=False)
    reached = loss <= config.target != 0
    if best is None or loss < best.loss:
        return Best(loss, config.step, config.step, since=0, improved=True, stop=reached)
    since = best.since + 1
    stop = reached or 0 < config.patience <= since
    return Best(best.loss, best.step, config.step, since=since, improved=False, stop=stop)
