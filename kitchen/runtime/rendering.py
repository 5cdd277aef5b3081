"""Examples as token ids: which text a model sees, and which of it is trained on.

An example becomes segments, each trained on or not, and every segment is tokenised by itself: the
tokens in front of an answer are then the very tokens that a sampler is given as its prompt.

A conversation is written by the tokenizer's chat template where it has one, and by plain role
prefixes where it has none: those of Vicuna (Chiang et al. 2023), `User: ...` and `Assistant: ...`,
with the end token after each answer. A template's text is left as it is; only other text gets the
beginning-of-sequence token in front, once. The end token is trained on at the end of every answer;
what a template writes after it (a line break, mostly) is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from kitchen.runtime.formats import Example, Message, Text
from kitchen.runtime.values import Tokenizer

VERSION = 1  #: raised when the same row comes to give other tokens or weights

TrainOn = Literal["last_assistant", "all_assistant", "all"]


class RenderError(Exception):
    """A conversation that the tokenizer's chat template cannot write, or not usably."""

    def __init__(self, message: str, *, help: str) -> None:
        super().__init__(message)
        self.help = help


@dataclass(frozen=True, slots=True)
class Segment:
    """Text that is tokenised by itself.

    `begin`, `end`: the token that begins or ends a sequence goes before or after it, by its id.
    `written` is the size in UTF-8 of what a person wrote in it: role prefixes and what a template
    adds do not count, so that bits per byte compare models whatever their tokenizers.
    """

    text: str
    trained: bool = False
    begin: bool = False
    end: bool = False
    written: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """The tokens of one example; a weight is 1 where the token is trained on, as a target."""

    tokens: np.ndarray
    weights: np.ndarray
    truncated: bool
    bytes: int  #: of what a person wrote in the trained text, in UTF-8

    @property
    def trained(self) -> int:
        return int(np.count_nonzero(self.weights))


# -------------------------------------------------------------------------------------- segments


def segments(example: Example, tokenizer: Tokenizer, train_on: TrainOn) -> tuple[Segment, ...]:
    """The segments of an example, as this tokenizer's model is to see it."""
    if isinstance(example, Text):
        prompt, completion = example.prompt, example.completion
        last = Segment(completion, True, end=True, written=_size(completion))
        if not prompt:
            return (replace(last, begin=True),)
        return Segment(prompt, train_on == "all", begin=True, written=_size(prompt)), last
    if tokenizer.chat_template is None:
        return tuple(plain_segments(example.messages, train_on))
    return tuple(_templated(example.messages, tokenizer, train_on))


def plain_segments(messages: Sequence[Message], train_on: TrainOn) -> Iterator[Segment]:
    """A conversation with a prefix for each role."""
    last, everything = _last_assistant(messages), train_on == "all"
    context, written, begin = "", 0, True
    for at, message in enumerate(messages):
        role, content = message["role"], message["content"]
        if role != "assistant":
            context += f"{role.capitalize()}: {content}\n"
            written += _size(content)
            continue
        yield Segment(f"{context}Assistant:", everything, begin=begin, written=written)
        trained = at == last or train_on != "last_assistant"
        answer = f" {content}" if content else ""
        yield Segment(answer, trained, end=True, written=_size(content))
        context, written, begin = "", 0, False
    if context:
        yield Segment(context, everything, begin=begin, written=written)


def _templated(
    messages: Sequence[Message], tokenizer: Tokenizer, train_on: TrainOn
) -> Iterator[Segment]:
    """A conversation as the template writes it; an answer is what one message more adds to it."""
    if train_on == "all":
        written = sum(_size(message["content"]) for message in messages)
        yield Segment(_render(tokenizer, messages), True, written=written)
        return
    last = _last_assistant(messages)
    whole = _render(tokenizer, messages[: last + 1] or messages)
    done = 0
    for at in range(last + 1):
        content = messages[at]["content"]
        if messages[at]["role"] != "assistant" or (train_on == "last_assistant" and at != last):
            continue
        before = _render(tokenizer, messages[:at], add_generation_prompt=True)
        after = whole if at == last else _render(tokenizer, messages[: at + 1])
        if not (whole.startswith(after) and after.startswith(before) and done <= len(before)):
            raise RenderError(
                "the tokenizer's chat template does not only append: with one message more it "
                "writes the earlier ones differently, so the answer cannot be told from the prompt",
                help="use a tokenizer whose template keeps what it wrote (one for training)",
            )
        yield Segment(whole[done : len(before)])
        yield Segment(whole[len(before) : len(after)], True, written=_size(content))
        done = len(after)
    if done == 0:
        yield Segment(whole)


def _last_assistant(messages: Sequence[Message]) -> int:
    found = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
    return found[-1] if found else -1


def _render(
    tokenizer: Tokenizer, messages: Sequence[Message], *, add_generation_prompt: bool = False
) -> str:
    try:
        return tokenizer.render_chat(messages, add_generation_prompt=add_generation_prompt)
    except Exception as cause:  # a template raises whatever its author chose to
        raise RenderError(
            f"the tokenizer's chat template does not take the conversation: {cause}",
            help="use the roles, and the order of them, that the model was made for",
        ) from cause


# ---------------------------------------------------------------------------------------- tokens


def render_prompt(tokenizer: Tokenizer, prompt: str | Sequence[Message]) -> np.ndarray:
    """The token ids that an answer follows: a conversation, or a string, said by the user.

    They are those that stand before the answer when it is trained on.
    """
    said = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
    if tokenizer.chat_template is not None:
        parts = [Segment(_render(tokenizer, said, add_generation_prompt=True))]
    else:
        *parts, _ = plain_segments([*said, {"role": "assistant", "content": ""}], "last_assistant")
    return join(parts, tokenizer.encode([part.text for part in parts]), tokenizer)[0]


def render_text(tokenizer: Tokenizer, prompt: str) -> np.ndarray:
    """The token ids of text to be gone on with, as it stands."""
    return join([Segment(prompt, begin=True)], tokenizer.encode([prompt]), tokenizer)[0]


def assemble(
    parts: Sequence[Segment], pieces: Sequence[np.ndarray], tokenizer: Tokenizer, max_length: int
) -> Rendered:
    """One sequence from its segments and the token ids of each.

    What follows the last trained token is no context of another, and is left out.
    """
    tokens, weights = _without_tail(*join(parts, pieces, tokenizer))
    if len(tokens) and tokens[-1] != tokenizer.eos_id:
        tokens = np.append(tokens, np.int32(tokenizer.eos_id))
        weights = np.append(weights, np.float32(1))
    written = sum(part.written for part in parts if part.trained)
    if len(tokens) <= max_length:
        return Rendered(tokens, weights, False, written)
    tokens, weights = _without_tail(tokens[:max_length], weights[:max_length])
    kept = _size(tokenizer.decode(tokens[weights > 0].tolist()))
    return Rendered(tokens, weights, True, min(kept, written))


def join(
    parts: Sequence[Segment], pieces: Sequence[np.ndarray], tokenizer: Tokenizer
) -> tuple[np.ndarray, np.ndarray]:
    """The tokens and weights of all segments, with the beginning and the ends in place."""
    begin, end = tokenizer.bos_id, tokenizer.eos_id
    ids: list[np.ndarray] = []
    weights: list[np.ndarray] = []
    for part, piece in zip(parts, pieces, strict=True):
        if part.begin and begin is not None and begin not in piece[:1]:
            piece = np.insert(piece, 0, begin)
        if part.end and end not in piece[-1:]:
            piece = np.append(piece, np.int32(end))
        weight = np.full(len(piece), part.trained, np.float32)
        if end in piece:  # what a template writes after the end is never sampled
            weight[np.flatnonzero(piece == end)[-1] + 1 :] = 0
        ids.append(piece.astype(np.int32, copy=False))
        weights.append(weight)
    joined = np.concatenate(weights)
    joined[:1] = 0  # nothing comes before the first token, so it is nobody's target
    return np.concatenate(ids), joined


def _without_tail(tokens: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    trained = np.flatnonzero(weights)
    length = int(trained[-1]) + 1 if len(trained) else 0
    return tokens[:length], weights[:length]


def _size(text: str) -> int:
    return len(text.encode())


def marked(tokens: np.ndarray, weights: np.ndarray, tokenizer: Tokenizer) -> str:
    """The text of tokens, what is trained on between ⟦ and ⟧."""
    edges = np.flatnonzero(np.diff(weights > 0)) + 1
    pieces = zip(np.split(tokens, edges), np.split(weights > 0, edges), strict=True)
    texts = ((tokenizer.decode(ids.tolist(), special=True), on[:1].any()) for ids, on in pieces)
    return "".join(f"⟦{text}⟧" if trained else text for text, trained in texts)
