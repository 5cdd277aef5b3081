"""Stages that let a session answer prompts and keep what it said."""

from __future__ import annotations

import json
from typing import Annotated

from kitchen.ir.spec import Effect
from kitchen.runtime.config import Config, setting
from kitchen.runtime.ports import DataError, SamplingClient, SamplingParams, Workspace
from kitchen.runtime.stage import Uses, stage
from kitchen.runtime.values import Completions, Session, Tokenizer


class GenerateConfig(Config):
    prompts: tuple[str, ...] = setting(doc="what a user says")
    max_tokens: int = setting(default=64, minimum=1)
    temperature: float = setting(default=1.0, minimum=0, doc="0 takes the likeliest token")
    top_p: float = setting(default=1.0, above=0, maximum=1)
    top_k: int = setting(default=0, minimum=0, doc="0 leaves all tokens in")
    seed: int = setting(default=0, minimum=0)


@stage(effect=Effect.READS)
def generate(
    session: Session,
    tokenizer: Tokenizer,
    *,
    config: GenerateConfig,
    sampling: Annotated[SamplingClient, Uses("sample")],
) -> Completions:
    """One answer to each prompt, which is written as prompts are in training."""
    from kitchen.runtime.rendering import render_prompt

    params = SamplingParams(
        max_tokens=config.max_tokens,
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=config.top_k,
        seed=config.seed,
    )
    prompts = [render_prompt(tokenizer, prompt) for prompt in config.prompts]
    sampler = sampling.open_sampler(session, tokenizer)
    answers = sampling.sample(sampler, prompts, params, count=1).result()
    return Completions(
        rows=tuple(
            {"prompt": prompt, "completion": tokenizer.decode(answer.tokens.tolist()).strip()}
            for prompt, (answer,) in zip(config.prompts, answers, strict=True)
        )
    )


class LogCompletionsConfig(Config):
    label: str = setting(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", doc="the file's name")
    step: int = setting(default=0, minimum=0)


@stage(effect=Effect.WRITES)
def log_completions(
    completions: Completions, *, config: LogCompletionsConfig, workspace: Workspace
) -> None:
    """Keep completions as JSON in the run's `samples` folder."""
    from kitchen.runtime.store import commit_file

    if workspace.run is None:
        raise DataError("nothing is being run, so there is no folder to write to", help="run it")
    content = {"step": config.step, "rows": [dict(row) for row in completions.rows]}
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    commit_file(workspace.run / "samples" / f"{config.label}.json", text.encode())
