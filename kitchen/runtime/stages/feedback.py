"""Stages that turn what people thought of a model's answers into data to train on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any

from kitchen.ir.frozen import frozen
from kitchen.ir.spec import Effect
from kitchen.runtime.config import Config, setting
from kitchen.runtime.ports import (
    DataError,
    DatasetStore,
    FeedbackStore,
    Judgement,
    MetricsStore,
    ModelVersion,
    Workspace,
)
from kitchen.runtime.remembered import remembered
from kitchen.runtime.stage import stage
from kitchen.runtime.values import Dataset, Decision


@frozen
class FeedbackCheck(Decision):
    """Whether it is time to train on feedback, and the counts that say so.

    `new` are the judgements since the latest version, `bad` are those of them that are; `usable`
    counts, of all, the prompts with an answer to be learnt.
    """

    judgements: int
    new: int
    bad: int
    bad_share: float
    usable: int
    due: bool
    reason: str


class CheckFeedbackConfig(Config):
    minimum: int = setting(default=20, minimum=1, doc="new judgements before anything is done")
    bad_share: float = setting(
        default=0.1, minimum=0, maximum=1, doc="share of them that must be bad"
    )
    good_from: float = setting(
        default=0.5, above=0, maximum=1, doc="the lowest good rating; they go from 0 to 1"
    )


@stage(effect=Effect.WRITES)
def check_feedback(
    latest: ModelVersion | None,
    *,
    config: CheckFeedbackConfig,
    feedback: FeedbackStore,
    workspace: Workspace,
) -> FeedbackCheck:
    """Count the judgements since the latest version of a model: whether it is time to train.

    A judgement is bad if its rating is, or if it has a correction and no rating. What was counted
    is kept in the run's folder: going on with the run decides the same, whatever came in since.
    """
    found = remembered(workspace, "feedback", lambda: asdict(_check(latest, config, feedback)))
    return FeedbackCheck(**found)


def _check(
    latest: ModelVersion | None, config: CheckFeedbackConfig, feedback: FeedbackStore
) -> FeedbackCheck:
    since = latest.judgements if latest is not None else 0
    judgements = list(feedback.judgements())
    if len(judgements) < since:
        raise DataError(
            f"there are {len(judgements)} judgements, and the latest version has seen {since}",
            help="put back those that were taken out: judgements are only ever added",
        )
    new = judgements[since:]
    bad = sum(not _is_good(judgement, config.good_from) for judgement in new)
    share = bad / len(new) if new else 0.0
    usable = len(_answers(judgements, config.good_from))
    due, reason = True, f"training is due: {bad} of {len(new)} new judgements are bad"
    if len(new) < config.minimum:
        due, reason = False, f"nothing is due: {len(new)} new judgements of {config.minimum}"
    elif share < config.bad_share:
        due = False
        reason = f"nothing is due: {share:.0%} of {len(new)} new judgements are bad, "
        reason += f"less than {config.bad_share:.0%}"
    elif not usable:
        due, reason = False, "nothing can be learnt: no judgement says what a good answer is"
    return FeedbackCheck(len(judgements), len(new), bad, share, usable, due, reason)


def _is_good(judgement: Judgement, good_from: float) -> bool:
    return judgement.rating is not None and judgement.rating >= good_from


def _answers(judgements: Iterable[Judgement], good_from: float) -> Mapping[str, str]:
    """The answer to learn to each prompt: the latest judgement of a prompt is the one that counts.

    It is the correction, or the response where that was good. A response that was bad and has no
    correction says nothing of what to answer.
    """
    answers: dict[str, str] = {}
    for judgement in judgements:
        answers.pop(judgement.prompt, None)
        if judgement.correction is not None:
            answers[judgement.prompt] = judgement.correction
        elif _is_good(judgement, good_from):
            answers[judgement.prompt] = judgement.response
    return answers


class CurateFeedbackConfig(Config):
    name: str = setting(default="feedback", pattern=r"^[A-Za-z0-9_-]+$", doc="of the data set")
    good_from: float = setting(
        default=0.5, above=0, maximum=1, doc="the lowest good rating; they go from 0 to 1"
    )


@stage(effect=Effect.READS)
def curate_feedback(
    feedback_check: FeedbackCheck,
    *,
    config: CurateFeedbackConfig,
    feedback: FeedbackStore,
    datasets: DatasetStore,
) -> Dataset:
    """Conversations of a prompt and the answer that people found good, or gave in its place.

    Every judgement that was counted takes part, the older ones too, so that what was learnt from
    them is not forgotten; of those about one prompt the latest counts. Nothing is made up.
    """
    judgements = list(islice(feedback.judgements(), feedback_check.judgements))
    if len(judgements) < feedback_check.judgements:
        raise DataError(
            f"{feedback_check.judgements} judgements were counted, and {len(judgements)} are left",
            help="put back those that were taken out: judgements are only ever added",
        )
    return datasets.put(config.name, _rows(_answers(judgements, config.good_from)))


def _rows(answers: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    for prompt, answer in answers.items():
        turns = (("user", prompt), ("assistant", answer))
        yield {"messages": [{"role": role, "content": text} for role, text in turns]}


@stage(effect=Effect.WRITES)
def log_feedback(feedback_check: FeedbackCheck, *, metrics: MetricsStore) -> None:
    """Keep the counts that decided whether to train."""
    check = feedback_check
    metrics.log(
        0,
        {
            "feedback/judgements": float(check.judgements),
            "feedback/new": float(check.new),
            "feedback/bad_share": check.bad_share,
            "feedback/usable": float(check.usable),
            "feedback/due": float(check.due),
        },
    )
