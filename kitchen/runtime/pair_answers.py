"""A model's own answers to the prompts of pairs, beside the two answers that are given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from kitchen.runtime.formats import Conversation, Example, Text
from kitchen.runtime.pair_rows import read_preference
from kitchen.runtime.ports import Row, SamplingClient, SamplingParams
from kitchen.runtime.rendering import render_prompt, render_text
from kitchen.runtime.values import Sampler, Tokenizer

if TYPE_CHECKING:
    from kitchen.runtime.stages.preference_evaluation import CompareAnswersConfig


def compared(
    sampler: Sampler,
    tokenizer: Tokenizer,
    rows: Iterable[Row],
    sampling: SamplingClient,
    config: CompareAnswersConfig,
) -> Iterator[tuple[str, str, str]]:
    """For each row what the model says, and the chosen and the rejected answer."""
    params = SamplingParams(max_tokens=config.max_tokens, temperature=0)
    source = iter(rows)
    while some := list(islice(source, config.batch_size)):
        block = [read_preference(row, config.format) for row in some]
        prompts = [_prompt(tokenizer, pair.chosen) for pair in block]
        said = sampling.sample(sampler, prompts, params, count=1).result()
        for pair, (sample,) in zip(block, said, strict=True):
            answer = tokenizer.decode(sample.tokens.tolist()).strip()
            yield answer, _answer(pair.chosen), _answer(pair.rejected)


def _prompt(tokenizer: Tokenizer, example: Example) -> np.ndarray:
    match example:
        case Conversation(messages=messages):
            return render_prompt(tokenizer, messages[:-1])
        case Text(prompt=prompt):
            return render_text(tokenizer, prompt)


def _answer(example: Example) -> str:
    match example:
        case Conversation(messages=messages):
            return messages[-1]["content"].strip()
        case Text(completion=completion):
            return completion.strip()
