"""Whether models that are to share a tokenizer read the same ids as the same text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from kitchen.runtime.ports import DataError, TrainingClient
from kitchen.runtime.values import Tokenizer

Texts = Callable[[], Iterable[str]]


class _NothingOfItsOwn(Exception):
    """A model asked for texts to train a tokenizer on, so it has none."""


def shared_tokenizer(models: Sequence[str], texts: Texts, training: TrainingClient) -> Tokenizer:
    """The tokenizer of the first model that has one; raises DataError where another differs.

    A preset has none of its own and takes this one; where all are presets, one is trained.
    """
    first: tuple[str, Tokenizer] | None = None
    for model in dict.fromkeys(models):
        tokenizer = own_tokenizer(model, training)
        if tokenizer is None:
            continue
        if first is None:
            first = model, tokenizer
        elif (told := difference(first[1], tokenizer)) is not None:
            raise DataError(
                f"`{first[0]}` and `{model}` have different vocabularies: {told}",
                help="what one says of tokens is read by the other: choose models of one family",
            )
    return training.load_tokenizer(models[0], texts) if first is None else first[1]


def own_tokenizer(model: str, training: TrainingClient) -> Tokenizer | None:
    """The tokenizer that comes with a model; None for a preset, which would train one."""

    def texts() -> Iterable[str]:
        raise _NothingOfItsOwn

    try:
        return training.load_tokenizer(model, texts)
    except _NothingOfItsOwn:
        return None


def difference(one: Tokenizer, other: Tokenizer) -> str | None:
    """The first id that means something else to the other tokenizer, in words."""
    if one.digest == other.digest:
        return None
    if one.vocab_size != other.vocab_size:
        return f"{one.vocab_size} tokens and {other.vocab_size}"
    for id in range(one.vocab_size):
        texts = [tokenizer.decode([id], special=True) for tokenizer in (one, other)]
        if texts[0] != texts[1]:
            return f"token {id} is {texts[0]!r} to the first and {texts[1]!r} to the second"
    if one.eos_id != other.eos_id:
        return f"a sequence ends with token {one.eos_id} and with token {other.eos_id}"
    return None
