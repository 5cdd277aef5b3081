"""Stages that measure what a model prefers, and what it answers itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from kitchen.ir.spec import Effect
from kitchen.runtime.config import Config, setting
from kitchen.runtime.pairs import Pairs
from kitchen.runtime.ports import DatasetStore, MetricsStore, SamplingClient, TrainingClient
from kitchen.runtime.stage import Uses, stage
from kitchen.runtime.stages.evaluation import Best, TrackBestConfig, best_after
from kitchen.runtime.stages.preference import PreferenceConfig, Reference, options_of
from kitchen.runtime.values import Dataset, Record, Session, Tokenizer


@dataclass(frozen=True, slots=True)
class PreferenceEvaluation(Record):
    """Means over pairs: the loss, and how often the chosen answer has the higher reward.

    `metrics` has the rewards beside them, under the names that training logs them by.
    """

    loss: float
    accuracy: float
    margin: float
    pairs: int
    metrics: Mapping[str, float]


class EvaluatePreferencesConfig(PreferenceConfig):
    batch_size: int = setting(default=16, minimum=1, doc="pairs in one pass")


@stage(effect=Effect.READS)
def evaluate_preferences(
    session: Session,
    pairs: Pairs,
    reference_scores: Reference,
    *,
    config: EvaluatePreferencesConfig,
    training: Annotated[TrainingClient, Uses("forward", "loss.cross_entropy")],
) -> PreferenceEvaluation:
    """The loss and the rewards of pairs under a session's current weights."""
    from kitchen.runtime.preference_passes import mean_metrics

    options, size = options_of(config), config.batch_size
    means = mean_metrics(session, pairs, reference_scores, training, options, size=size)
    loss = means.pop("loss")
    return PreferenceEvaluation(loss, means["accuracy"], means["margin"], pairs.pairs, means)


class LogPreferenceEvaluationConfig(Config):
    step: int = setting(minimum=0)
    prefix: str = "eval"


@stage(effect=Effect.WRITES)
def log_preference_evaluation(
    preference_evaluation: PreferenceEvaluation,
    *,
    config: LogPreferenceEvaluationConfig,
    metrics: MetricsStore,
) -> None:
    """Keep an evaluation's figures under a step."""
    values = {"loss": preference_evaluation.loss, **preference_evaluation.metrics}
    metrics.log(config.step, {f"{config.prefix}/{name}": v for name, v in values.items()})


@stage(effect=Effect.PURE)
def track_best_preference(
    preference_evaluation: PreferenceEvaluation | None,
    best: Best | None,
    *,
    config: TrackBestConfig,
) -> Best:
    """As `track_best`, by the loss over pairs."""
    loss = None if preference_evaluation is None else preference_evaluation.loss
    return best_after(loss, best, config)


# --------------------------------------------------------------------------------------- answers


@dataclass(frozen=True, slots=True)
class AnswerComparison(Record):
    """Shares of the prompts that a model answers, word for word, with the one or the other."""

    chosen: float
    rejected: float
    prompts: int


class CompareAnswersConfig(Config):
    format: Literal["auto", "text"] = setting(default="auto", doc="as `tokenize_pairs` has it")
    max_tokens: int = setting(default=64, minimum=1)
    batch_size: int = setting(default=64, minimum=1, doc="prompts that are answered together")


@stage(effect=Effect.READS)
def compare_answers(
    session: Session,
    tokenizer: Tokenizer,
    dataset: Dataset,
    *,
    config: CompareAnswersConfig,
    sampling: Annotated[SamplingClient, Uses("sample")],
    datasets: DatasetStore,
) -> AnswerComparison:
    """Let a session answer the prompts of pairs, taking the likeliest token each time.

    Rewards only rank answers that are given; this says what the model itself comes to say.
    """
    from kitchen.runtime.pair_answers import compared

    sampler = sampling.open_sampler(session, tokenizer)
    found = list(compared(sampler, tokenizer, datasets.rows(dataset), sampling, config))
    count = len(found)
    return AnswerComparison(
        chosen=sum(said == chosen for said, chosen, _ in found) / count,
        rejected=sum(said == rejected for said, _, rejected in found) / count,
        prompts=count,
    )


class LogAnswersConfig(Config):
    step: int = setting(minimum=0)
    prefix: str = "eval"


@stage(effect=Effect.WRITES)
def log_answers(
    answer_comparison: AnswerComparison, *, config: LogAnswersConfig, metrics: MetricsStore
) -> None:
    """Keep the shares of answers that were the chosen and the rejected ones."""
    shares = {"answers/chosen": answer_comparison.chosen}
    shares["answers/rejected"] = answer_comparison.rejected
    metrics.log(config.step, {f"{config.prefix}/{name}": v for name, v in shares.items()})
