"""A tokenizer small enough to be read in a test: one id a letter, and special tokens by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from kitchen.runtime.values import Tokenizer

Messages = Sequence[Mapping[str, str]]
Template = Callable[[Messages, bool], str]

SPECIALS = ("<s>", "</s>", "<turn>")
PATTERN = re.compile("|".join([*map(re.escape, SPECIALS), "."]), re.DOTALL)


class LetterTokenizer(Tokenizer):
    """`template` writes conversations; None leaves them to plain role prefixes."""

    def __init__(self, template: Template | None = None, *, begins: bool = False) -> None:
        self._template = template
        self.chat_template = None if template is None else template.__name__
        self.digest = f"letters {self.chat_template} {begins}"
        self.vocab_size = len(SPECIALS) + 0x110000
        self.bos_id = 0 if begins else None
        self.eos_id = self.pad_id = 1
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        self.encoded += texts
        return [np.array([*map(_id, PATTERN.findall(text))], np.int32) for text in texts]

    def decode(self, ids: Sequence[int], *, special: bool = False) -> str:
        return "".join(_piece(id) for id in ids if special or id >= len(SPECIALS))

    def render_chat(self, messages: Messages, *, add_generation_prompt: bool) -> str:
        assert self._template is not None
        return self._template(messages, add_generation_prompt)


def _id(piece: str) -> int:
    return SPECIALS.index(piece) if piece in SPECIALS else ord(piece) + len(SPECIALS)


def _piece(id: int) -> str:
    return SPECIALS[id] if id < len(SPECIALS) else chr(id - len(SPECIALS))


# ------------------------------------------------------------------------------------- templates


def ends_with_line(messages: Messages, prompt: bool) -> str:
    """ChatML's shape: a line break follows the end token."""
    text = "".join(f"<turn>{m['role']}\n{m['content']}</s>\n" for m in messages)
    return text + ("<turn>assistant\n" if prompt else "")


def ends_bare(messages: Messages, prompt: bool) -> str:
    """Nothing follows the end token."""
    text = "".join(f"<turn>{m['role']}:{m['content']}</s>" for m in messages)
    return text + ("<turn>assistant:" if prompt else "")


def ends_turns_only(messages: Messages, prompt: bool) -> str:
    """Turns end with a token that does not end the sequence."""
    text = "".join(f"{m['role']}:{m['content']}<turn>" for m in messages)
    return text + ("assistant:" if prompt else "")


def begins_itself(messages: Messages, prompt: bool) -> str:
    """The template writes the token that begins a sequence."""
    return "<s>" + ends_bare(messages, prompt)


def begins_twice(messages: Messages, prompt: bool) -> str:
    """The template begins, and begins again."""
    return "<s>" + begins_itself(messages, prompt)


def forgets(messages: Messages, prompt: bool) -> str:
    """Answers that are not the last are shortened, as thinking is by some templates."""
    last = len(messages) - 1
    text = "".join(
        f"<turn>{m['content'] if at == last or m['role'] == 'user' else '...'}</s>"
        for at, m in enumerate(messages)
    )
    return text + ("<turn>" if prompt else "")


def refuses_system(messages: Messages, prompt: bool) -> str:
    """A template that takes no system message, as Gemma's does not."""
    if messages[0]["role"] == "system":
        raise ValueError("System role not supported")
    return ends_bare(messages, prompt)
