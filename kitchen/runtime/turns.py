"""Episodes as token ids, turn by turn: what was sampled stays as it was, and is never re-encoded.

A turn adds the ids of what is said next, and nothing before it is touched. So the model is trained
on the very tokens that it was given and that it drew.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kitchen.runtime.ports import DataError, Prompt
from kitchen.runtime.rendering import Segment, join, plain_segments, render_prompt, render_text
from kitchen.runtime.values import Tokenizer

STAND_IN = "."  #: what is said where only the text around it counts


def first_turn(tokenizer: Tokenizer, prompt: Prompt) -> np.ndarray:
    """The ids an episode begins with."""
    if isinstance(prompt, str):
        return render_text(tokenizer, prompt)
    return render_prompt(tokenizer, prompt)


def asked(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """What is asked in the ids that an episode begins with, without what is written around it."""
    around = first_turn(tokenizer, ({"role": "user", "content": STAND_IN},)).tolist()
    before, _, after = tokenizer.decode(around, special=True).rpartition(STAND_IN)
    whole = tokenizer.decode(ids, special=True)
    if whole.startswith(before) and whole.endswith(after):
        return whole[len(before) : len(whole) - len(after)]
    return tokenizer.decode(ids)


def next_turn(
    tokenizer: Tokenizer, prompt: Prompt, action: Sequence[int], observation: str
) -> np.ndarray:
    """The ids between an action, as it was sampled, and the next one."""
    if isinstance(prompt, str):
        return tokenizer.encode([observation])[0]
    if tokenizer.chat_template is None:
        return _plain(tokenizer, action, observation)
    return _templated(tokenizer, action, observation)


def _plain(tokenizer: Tokenizer, action: Sequence[int], observation: str) -> np.ndarray:
    turns = [{"role": "user", "content": observation}, {"role": "assistant", "content": ""}]
    said, _ = plain_segments(turns, "last_assistant")
    ids = tokenizer.encode([said.text])[0]
    return ids if _has_ended(tokenizer, action) else np.insert(ids, 0, tokenizer.eos_id)


def _has_ended(tokenizer: Tokenizer, action: Sequence[int]) -> bool:
    return len(action) > 0 and action[-1] == tokenizer.eos_id


def _templated(tokenizer: Tokenizer, action: Sequence[int], observation: str) -> np.ndarray:
    """What the template writes after an answer's end, and around the observation."""
    before = [
        {"role": "user", "content": STAND_IN},
        {"role": "assistant", "content": STAND_IN},
    ]
    after = [*before, {"role": "user", "content": observation}]
    asked = tokenizer.render_chat(before[:1], add_generation_prompt=True)
    answered = tokenizer.render_chat(before, add_generation_prompt=False)
    whole = tokenizer.render_chat(after, add_generation_prompt=True)
    if not (answered.startswith(asked + STAND_IN) and whole.startswith(answered)):
        raise DataError(
            "the tokenizer's chat template writes earlier turns differently once others follow, "
            "so an episode of several turns has no one sequence of tokens",
            help="use a tokenizer whose template keeps what it wrote, or a single-turn environment",
        )
    text = whole[len(asked + STAND_IN) :]
    ids = join([Segment(text)], tokenizer.encode([text]), tokenizer)[0]
    ended = _has_ended(tokenizer, action) and ids[:1] == tokenizer.eos_id
    return ids[1:] if ended else ids
