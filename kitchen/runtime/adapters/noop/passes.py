"""Passes of a batch through a unigram model: log-probabilities, losses, gradients."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from kitchen.runtime.adapters.noop.unigram import VOCABULARY, UnigramSession, loss_and_slopes
from kitchen.runtime.losses import loss_settings, require_columns
from kitchen.runtime.ports import AdapterError, CustomLoss, ForwardOutput, LossOptions
from kitchen.runtime.ports.training import TopLogprobs
from kitchen.runtime.values import Batch


def one_pass(
    session: UnigramSession, batch: Batch, loss: LossOptions, *, training: bool
) -> ForwardOutput:
    """A batch's loss and log-probabilities, and its gradient where the pass is for training."""
    settings = loss_settings(loss)
    require_columns(loss.name, batch.columns)
    temperature = settings.get("temperature", 1.0)
    known = _known(session, batch, temperature)
    columns, targets = batch.columns, batch.columns["targets"]
    logprobs = known[targets]
    value, slopes = loss_and_slopes(loss.name, logprobs, columns, settings)
    _require_finite(session, value)
    weights = columns.get("weights", np.ones(logprobs.shape))
    metrics = {}
    if training:
        session.gather(targets, slopes, temperature)
    elif targets.ndim == 1:
        metrics["correct:sum"] = float((weights * (logprobs == known.max())).sum())
    return ForwardOutput(value, _carried(logprobs, columns), metrics)


def custom_pass(session: UnigramSession, batch: Batch, loss_of: CustomLoss) -> ForwardOutput:
    """A pass with a loss that the caller computes, and its gradient."""
    known, targets = _known(session, batch), batch.columns["targets"]
    logprobs = _carried(known[targets], batch.columns)
    found = loss_of(batch, logprobs)
    _require_finite(session, found.loss)
    session.gather(targets, np.where(batch.columns["weights"] != 0, found.slopes, 0.0))
    return ForwardOutput(found.loss, logprobs, found.metrics)


def top_logprobs(session: UnigramSession, batch: Batch, count: int) -> TopLogprobs:
    """The likeliest ids, which are the same at every place that carries weight."""
    known = _known(session, batch)
    if count > VOCABULARY:
        raise AdapterError(
            f"{count} tokens are asked for at each place, and the model knows {VOCABULARY}",
            help="ask for fewer",
        )
    ids = np.argsort(-known, kind="stable")[:count]
    weights = batch.columns.get("weights", np.ones(batch.tokens.size))
    carries = (weights != 0).reshape(batch.tokens.size, -1).any(1)[:, None]
    return TopLogprobs(
        ids=np.where(carries, ids, 0).astype(np.int32),
        logprobs=np.where(carries, known[ids], 0.0).astype(np.float32),
    )


def _known(session: UnigramSession, batch: Batch, temperature: float = 1.0) -> np.ndarray:
    """The log-probability of each id, for a batch that can be passed through the model."""
    if batch.tokens.size == 0:
        raise AdapterError("the batch is empty", help="give it at least one sequence")
    highest = int(batch.columns["targets"].max())
    if highest >= VOCABULARY:
        raise AdapterError(
            f"the batch holds token id {highest}, and the model knows {VOCABULARY}",
            help="tokenise the data with this model's own tokenizer",
        )
    return session.logprobs(temperature)


def _carried(logprobs: np.ndarray, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """The log-probabilities as the port gives them: 0 where a target carries no weight."""
    weights = columns.get("weights", np.ones(logprobs.shape))
    return np.where(weights != 0, logprobs, 0.0).astype(np.float32)


def _require_finite(session: UnigramSession, value: float) -> None:
    if not math.isfinite(value):
        raise AdapterError(
            f"the loss of step {session.step + 1} is {value}: no weight was changed",
            help="lower the learning rate, set `grad_clip_norm`, or look at the batch's columns",
        )
