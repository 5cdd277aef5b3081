"""Stages that ask what a session's weights say of tokens that are there already."""

from __future__ import annotations

from typing import Annotated

from kitchen.ir.spec import Effect
from kitchen.runtime.config import Config, setting
from kitchen.runtime.pairs import Pairs, ReferenceScores, Scores
from kitchen.runtime.ports import DatasetStore, TrainingClient
from kitchen.runtime.stage import Uses, stage
from kitchen.runtime.values import Session, Tokens


class ScoreConfig(Config):
    batch_size: int = setting(default=16, minimum=1, doc="sequences in one pass")


@stage(effect=Effect.READS)
def score(
    session: Session,
    tokens: Tokens,
    *,
    config: ScoreConfig,
    training: Annotated[TrainingClient, Uses("forward", "loss.cross_entropy")],
) -> Scores:
    """The log-probabilities of sequences under a session's current weights."""
    from kitchen.runtime.scoring import score_tokens

    return score_tokens(session, tokens, training, config.batch_size)


class ScoreReferenceConfig(Config):
    batch_size: int = setting(default=16, minimum=1, doc="pairs in one pass")


@stage(effect=Effect.READS)
def score_reference(
    session: Session,
    pairs: Pairs,
    *,
    config: ScoreReferenceConfig,
    training: Annotated[TrainingClient, Uses("forward", "loss.cross_entropy")],
    datasets: DatasetStore,
) -> ReferenceScores:
    """What a session's weights say of pairs, before they change: the reference of a loss.

    It is computed once: a run that goes on takes what it computed when it began, and another run
    finds it under the digests of the weights and of the pairs.
    """
    from kitchen.runtime.scoring import score_pairs

    return score_pairs(session, pairs, training, datasets, config.batch_size)
