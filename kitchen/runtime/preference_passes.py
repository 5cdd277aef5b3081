"""Preference losses over batches: what a pass gives back, and which reference it compares with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kitchen.runtime.pairs import PairBatch, Pairs, ReferenceScores
from kitchen.runtime.ports import DataError, LossSlopes, TrainingClient
from kitchen.runtime.preference_losses import PreferenceOptions, metrics_of, preferences
from kitchen.runtime.scoring import pair_logprobs, pair_sums
from kitchen.runtime.values import Batch, Session


@dataclass(frozen=True, slots=True, eq=False)
class PairLoss:
    """The loss of some pairs, as a share of the mean over the batch that they are part of."""

    reference: np.ndarray
    pairs: int  #: in the whole batch
    options: PreferenceOptions

    def __call__(self, batch: Batch, logprobs: np.ndarray) -> LossSlopes:
        sums = pair_sums(batch, logprobs)
        found = preferences(sums, self.reference, _lengths(batch), self.options)
        by_sequence = found.slopes.ravel() / self.pairs
        slopes = np.repeat(by_sequence, np.diff(batch.offsets)) * batch.columns["weights"]
        metrics = metrics_of(found, sums, self.options)
        return LossSlopes(
            float(found.losses.sum()) / self.pairs,
            slopes,
            {name: value / self.pairs for name, value in metrics.items()},
        )


def reference_of(
    batch: PairBatch, scores: ReferenceScores | None, options: PreferenceOptions
) -> np.ndarray:
    """The reference's log-probabilities of a batch; zeros where the loss compares with none."""
    if not options.compares:
        return np.zeros((batch.pairs, 2))
    if scores is None:
        raise DataError(
            f"the loss `{options.loss}` compares with a reference, and there are no scores of one",
            help="run `score_reference` before training, or take the loss `orpo` or `simpo`",
        )
    if scores.digest != batch.digest:
        raise DataError(
            "the reference's scores are of other pairs than those of the batch",
            help="bind `reference_scores` to the scores of these very pairs",
        )
    known: np.ndarray = scores.logprobs[batch.numbers]
    return known


def mean_metrics(
    session: Session,
    pairs: Pairs,
    scores: ReferenceScores | None,
    training: TrainingClient,
    options: PreferenceOptions,
    *,
    size: int,
) -> dict[str, float]:
    """The means over all pairs of the loss and of what `metrics_of` names."""
    totals: dict[str, float] = {}
    for batch, sums in pair_logprobs(session, pairs, training, size):
        reference = reference_of(batch, scores, options)
        found = preferences(sums, reference, _lengths(batch.batch), options)
        values = {"loss": float(found.losses.sum()), **metrics_of(found, sums, options)}
        for name, value in values.items():
            totals[name] = totals.get(name, 0.0) + value
    return {name: value / pairs.pairs for name, value in totals.items()}


def _lengths(batch: Batch) -> np.ndarray:
    """The trained tokens of each answer, (pairs, 2)."""
    return pair_sums(batch, np.ones(len(batch.tokens)))
