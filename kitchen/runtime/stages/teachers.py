"""Stages of models that teach another: open them, and ask what they hold likely."""

from __future__ import annotations

import math
from typing import Annotated, NamedTuple

from kitchen.ir.spec import Effect
from kitchen.runtime.answers import Prompts
from kitchen.runtime.config import Config, setting
from kitchen.runtime.ports import (
    DataError,
    DatasetStore,
    LossOptions,
    ModelOptions,
    SamplingClient,
    SamplingParams,
    TrainingClient,
)
from kitchen.runtime.stage import Uses, stage
from kitchen.runtime.stages.data import Format
from kitchen.runtime.teachers import Distance, SoftTargets, Teachers
from kitchen.runtime.trajectories import PolicyBatch
from kitchen.runtime.values import Batch, Closes, Dataset, Tokenizer, Tokens


class LoadSharedTokenizerConfig(Config):
    models: tuple[str, ...] = setting(doc="the models that are to read the same tokens")
    student: str = setting(doc="one more of them")
    format: Format = "auto"


@stage(effect=Effect.PURE)
def load_shared_tokenizer(
    dataset: Dataset,
    *,
    config: LoadSharedTokenizerConfig,
    training: TrainingClient,
    datasets: DatasetStore,
) -> Tokenizer:
    """The one tokenizer of several models; models whose vocabularies differ are named.

    A preset among them takes the tokenizer of the others.
    """
    from kitchen.runtime.tokens import texts
    from kitchen.runtime.vocabulary import shared_tokenizer

    return shared_tokenizer(
        (*config.models, config.student),
        lambda: texts(datasets.rows(dataset), config.format),
        training,
    )


class OpenTeachersConfig(Config):
    models: tuple[str, ...] = setting(doc="presets, folders, hub ids, package:NAME or run:FOLDER")
    weights: tuple[float, ...] = setting(
        default=(), doc="the say of each, in any unit; none given: all have the same"
    )


@stage(effect=Effect.READS)
def open_teachers(
    tokenizer: Tokenizer, *, config: OpenTeachersConfig, training: TrainingClient
) -> Teachers:
    """Models to learn from, with the weight of each."""
    if not config.models:
        raise DataError("there is no teacher", help="name one: `teachers: [./teacher/weights]`")
    weights = config.weights or (1.0,) * len(config.models)
    if len(weights) != len(config.models):
        raise DataError(
            f"{len(config.models)} teachers have {len(weights)} weights",
            help="give each teacher one weight, in the same order",
        )
    if not all(math.isfinite(weight) and weight > 0 for weight in weights):
        raise DataError(
            f"the weights of the teachers are {', '.join(f'{weight:g}' for weight in weights)}",
            help="give weights above 0, and leave a teacher out that is to say nothing",
        )
    whole = math.fsum(weights)
    sessions = tuple(
        training.open_session(ModelOptions(model=model), tokenizer) for model in config.models
    )
    return Teachers(sessions, tuple(weight / whole for weight in weights))


@stage(effect=Effect.READS)
def close_teachers(teachers: Closes[Teachers], *, training: TrainingClient) -> None:
    """Let go of the teachers' models."""
    for session in teachers.sessions:
        training.close_session(session)


# ------------------------------------------------------------------------------ off-policy


class SoftTargetsConfig(Config):
    k: int = setting(default=20, minimum=1, doc="tokens of each teacher kept at each place")
    temperature: float = setting(default=1.0, above=0, doc="above 1: flatter")
    batch_size: int = setting(default=16, minimum=1, doc="sequences in one pass")


@stage(effect=Effect.READS)
def soft_targets(
    teachers: Teachers,
    tokens: Tokens,
    *,
    config: SoftTargetsConfig,
    training: Annotated[TrainingClient, Uses("topk_logprobs")],
    datasets: DatasetStore,
) -> SoftTargets:
    """What the teachers hold likely at each trained token, read once for the whole data set."""
    from kitchen.runtime.soft_targets import mix, top_of_all

    tops = [
        top_of_all(session, tokens, config.k, config.batch_size, training, datasets)
        for session in teachers.sessions
    ]
    return mix(tokens, tops, teachers.shares, config.temperature)


class SampleTeachersConfig(Config):
    count: int = setting(default=1, minimum=1, doc="answers to each prompt, of each teacher")
    max_tokens: int = setting(default=64, minimum=1)
    temperature: float = setting(default=1.0, minimum=0, doc="0 takes the likeliest token")
    top_p: float = setting(default=1.0, above=0, maximum=1)
    top_k: int = setting(default=0, minimum=0, doc="0 leaves all tokens in")
    seed: int = setting(default=0, minimum=0)


@stage(effect=Effect.READS)
def sample_teachers(
    teachers: Teachers,
    prompts: Prompts,
    tokenizer: Tokenizer,
    *,
    config: SampleTeachersConfig,
    sampling: Annotated[SamplingClient, Uses("sample")],
) -> Tokens:
    """The teachers' answers to prompts, as the tokens that they sampled, to be trained on.

    An answer weighs what its teacher does. One that was cut off is not made to end. A teacher that
    answers nothing ends the run: an empty answer is never trained on.
    """
    from kitchen.runtime.teaching import taught

    params = SamplingParams(
        max_tokens=config.max_tokens,
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=config.top_k,
        seed=config.seed,
    )
    return taught(teachers, prompts, tokenizer, params, config.count, sampling)


# ------------------------------------------------------------------------------- on-policy


class TeacherAdvantagesConfig(Config):
    coefficient: float = setting(default=1.0, above=0)
    discount: float = setting(
        default=0.0, minimum=0, maximum=1, doc="how much a token answers for those after it"
    )


class Advised(NamedTuple):
    """A batch with the teachers' advantages, and how far its tokens were from them."""

    batch: PolicyBatch
    distance: Distance


@stage(effect=Effect.READS)
def teacher_advantages(
    teachers: Teachers,
    batch: Batch,
    *,
    config: TeacherAdvantagesConfig,
    training: Annotated[TrainingClient, Uses("forward", "loss.cross_entropy")],
) -> Advised:
    """Reward each sampled token for being likelier to the teachers than to the student.

    The advantage is -c (log q - log p), q the student's probability and p the teachers': one
    sample of the reverse divergence (Lu 2025, "On-policy distillation"). Of several teachers
    log p is the mean, weighted by their shares.
    """
    from kitchen.runtime.teaching import advised

    passes = [training.forward(session, batch, LossOptions()) for session in teachers.sessions]
    logprobs = [one.result().logprobs for one in passes]
    return Advised(*advised(batch, logprobs, teachers.shares, config.coefficient, config.discount))
