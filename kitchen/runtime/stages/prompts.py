"""Stages of prompts: what a model is asked, and the answer that each should get."""

from __future__ import annotations

from typing import Annotated

from kitchen.ir.spec import Effect
from kitchen.runtime.answers import Prompts
from kitchen.runtime.config import Config, setting
from kitchen.runtime.ports import DatasetStore, SamplingClient, SamplingParams
from kitchen.runtime.stage import Uses, stage
from kitchen.runtime.stages.data import Format
from kitchen.runtime.values import Batch, Dataset, Session, Tokenizer


class LoadPromptsConfig(Config):
    format: Format = "auto"
    limit: int = setting(default=0, minimum=0, doc="prompts at most, the first ones; 0: all")


@stage(effect=Effect.PURE)
def load_prompts(
    dataset: Dataset, tokenizer: Tokenizer, *, config: LoadPromptsConfig, datasets: DatasetStore
) -> Prompts:
    """What stands before the last answer of each row, and that answer as the reference."""
    from kitchen.runtime.prompting import read_prompts

    return read_prompts(dataset, tokenizer, config.format, config.limit, datasets)


class SampleBatchConfig(Config):
    iteration: int = setting(minimum=0)
    prompts_per_step: int = setting(default=16, minimum=1)
    samples_per_prompt: int = setting(default=1, minimum=1)
    max_tokens: int = setting(default=64, minimum=1)
    seed: int = setting(default=0, minimum=0)


@stage(effect=Effect.READS)
def sample_batch(
    session: Session,
    prompts: Prompts,
    tokenizer: Tokenizer,
    *,
    config: SampleBatchConfig,
    sampling: Annotated[SamplingClient, Uses("sample")],
) -> Batch:
    """Answers of the current weights to the prompts of an iteration, to be trained on.

    The prompts go round in an order that is a function of seed and iteration. They are sampled
    from the model's own distribution, so the log-probabilities that stand beside the tokens are
    those of the ratio in a policy's loss.
    """
    from kitchen.runtime.teaching import chosen_prompts, sampled_batch, seed_of

    chosen = chosen_prompts(prompts.rows, config.prompts_per_step, config.seed, config.iteration)
    asked = [prompts.ids(index) for index in chosen]
    params = SamplingParams(
        max_tokens=config.max_tokens, seed=seed_of(config.seed, config.iteration)
    )
    sampler = sampling.open_sampler(session, tokenizer)
    answers = sampling.sample(sampler, asked, params, count=config.samples_per_prompt).result()
    return sampled_batch(asked, answers, config.iteration)
