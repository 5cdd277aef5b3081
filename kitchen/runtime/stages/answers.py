"""Stages that have a model answer held-out prompts, and say what the answers are worth."""

from __future__ import annotations

import json
import math
from typing import Annotated, Literal

from kitchen.ir.frozen import frozen
from kitchen.ir.spec import Effect
from kitchen.runtime.answers import Answers, AnswerScores, Prompts
from kitchen.runtime.config import Config, setting
from kitchen.runtime.ports import (
    DataError,
    MetricsStore,
    SamplingClient,
    SamplingParams,
    Workspace,
)
from kitchen.runtime.ports.llm import CompletionParams, LanguageModel
from kitchen.runtime.stage import Uses, stage
from kitchen.runtime.values import Record, Session, Tokenizer


@frozen
class Scoring(Record):
    """How answers are scored: by which scorers, with which pattern and tolerance."""

    scorers: tuple[str, ...]
    pattern: str
    tolerance: float


Scorer = Literal["exact_match", "contains", "regex", "numeric", "token_f1"]


class ChooseScorersConfig(Config):
    scorers: tuple[Scorer, ...] = setting(doc="each of them scores every answer")
    pattern: str = setting(
        default="",
        doc="`regex`: what an answer is searched for; its first group, if any, is the reference",
    )
    tolerance: float = setting(
        default=1e-6, minimum=0, doc="`numeric`: absolute below 1, relative above"
    )


@stage(effect=Effect.PURE)
def choose_scorers(prompts: Prompts, *, config: ChooseScorersConfig) -> Scoring:
    """How answers are to be scored; what cannot work is said before the model is asked."""
    from kitchen.runtime.scoring_rules import require_sound

    require_sound(config.scorers, config.pattern, prompts.references)
    return Scoring(config.scorers, config.pattern, config.tolerance)


class AnswerPromptsConfig(Config):
    max_tokens: int = setting(default=64, minimum=1)
    temperature: float = setting(default=0.0, minimum=0, doc="0 takes the likeliest token")
    top_p: float = setting(default=1.0, above=0, maximum=1)
    top_k: int = setting(default=0, minimum=0, doc="0 leaves all tokens in")
    stop: tuple[str, ...] = setting(default=(), doc="texts that end an answer")
    seed: int = setting(default=0, minimum=0)


@stage(effect=Effect.READS)
def answer_prompts(
    session: Session,
    prompts: Prompts,
    tokenizer: Tokenizer,
    *,
    config: AnswerPromptsConfig,
    sampling: Annotated[SamplingClient, Uses("sample")],
) -> Answers:
    """One answer of the model's current weights to each prompt."""
    sampler = sampling.open_sampler(session, tokenizer)
    asked = [prompts.ids(index) for index in range(prompts.rows)]
    rows = sampling.sample(sampler, asked, SamplingParams(**vars(config)), count=1).result()
    samples = [sample for (sample,) in rows]
    return Answers(
        texts=tuple(tokenizer.decode(sample.tokens.tolist()).strip() for sample in samples),
        tokens=tuple(len(sample.tokens) for sample in samples),
        ended=tuple(sample.stop_reason == "stop" for sample in samples),
    )


@stage(effect=Effect.PURE)
def score_answers(prompts: Prompts, answers: Answers, scoring: Scoring) -> AnswerScores:
    """What each answer is worth beside its reference, by every scorer.

    Of several references, the one that it comes nearest to counts.
    """
    from kitchen.runtime.scoring_rules import score_all

    found = score_all(
        scoring.scorers, scoring.pattern, scoring.tolerance, answers.texts, prompts.references
    )
    return AnswerScores(found)


class JudgeAnswersConfig(Config):
    rubric: str = setting(default="", doc="what the judge is to look at, in words")
    max_tokens: int = setting(default=256, minimum=8)
    seed: int = setting(default=0, minimum=0)


@stage(effect=Effect.READS)
def judge_answers(
    prompts: Prompts, answers: Answers, *, config: JudgeAnswersConfig, llm: LanguageModel
) -> AnswerScores:
    """A language model's grade of each answer, from 0 to 1.

    A reply without a grade gives none: it is counted, and is no part of the mean.
    """
    from kitchen.runtime.judging import asked, grade

    references = ("\nor: ".join(accepted) for accepted in prompts.references)
    triples = zip(prompts.texts, references, answers.texts, strict=True)
    conversations = [asked(config.rubric, *triple) for triple in triples]
    params = CompletionParams(max_tokens=config.max_tokens, seed=config.seed)
    grades = tuple(grade(reply) for reply in llm.complete(conversations, params).result())
    if all(one is None for one in grades):
        raise DataError(
            "no reply of the judge has a grade in it",
            help="ask a model that follows instructions, or raise `max_tokens`",
        )
    return AnswerScores({"judge": grades})


class LogScoresConfig(Config):
    step: int = setting(default=0, minimum=0)
    prefix: str = "eval"
    label: str = setting(
        default="answers", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", doc="the file's name"
    )


@stage(effect=Effect.WRITES)
def log_scores(
    prompts: Prompts,
    answers: Answers,
    scores: AnswerScores | None,
    judged: AnswerScores | None,
    *,
    config: LogScoresConfig,
    metrics: MetricsStore,
    workspace: Workspace,
) -> None:
    """Keep the mean of each score with its standard error, and every row with what it got.

    The rows go to `evaluations/LABEL.jsonl` in the run's folder.
    """
    from kitchen.runtime.store import commit_file

    if workspace.run is None:
        raise DataError("nothing is being run, so there is no folder to write to", help="run it")
    columns = {**(scores.scores if scores else {}), **(judged.scores if judged else {})}
    figures = {
        "answers": float(len(answers.texts)),
        "answer_tokens": math.fsum(answers.tokens) / len(answers.tokens),
        "answers_ended": sum(answers.ended) / len(answers.ended),
    }
    for name, values in columns.items():
        known = [value for value in values if value is not None]
        figures |= {name: mean(known), f"{name}_stderr": standard_error(known)}
        if len(known) < len(values):
            figures[f"{name}_missing"] = float(len(values) - len(known))
    metrics.log(config.step, {f"{config.prefix}/{name}": value for name, value in figures.items()})
    rows = zip(prompts.texts, prompts.references, answers.texts, answers.ended, strict=True)
    lines = [
        {
            "prompt": prompt,
            "references": list(references),
            "answer": answer,
            "ended": ended,
            "scores": {name: values[index] for name, values in columns.items()},
        }
        for index, (prompt, references, answer, ended) in enumerate(rows)
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    commit_file(workspace.run / "evaluations" / f"{config.label}.jsonl", text.encode())


def mean(values: list[float]) -> float:
    """The mean of values, of which there is at least one."""
    return math.fsum(values) / len(values)


def standard_error(values: list[float]) -> float:
    """The standard error of the mean, from the sample's variance; 0 of a single value."""
    if len(values) < 2:
        return 0.0
    middle = mean(values)
    squares = math.fsum((value - middle) ** 2 for value in values)
    return math.sqrt(squares / (len(values) - 1) / len(values))
