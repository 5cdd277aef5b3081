"""Rows of preferences: `chosen` and `rejected`, text or messages, with or without a `prompt`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kitchen.ir.diagnostic import closest
from kitchen.runtime.formats import Conversation, Example, Message, Text, message_of, text_of
from kitchen.runtime.ports import DataError, Row
from kitchen.runtime.text_rows import kind_of

PAIRS = "pairs"  #: what these rows are called where the format of rows is asked for
ANSWERS = ("chosen", "rejected")


@dataclass(frozen=True, slots=True)
class Preference:
    """Two answers to one prompt, each as the example that it makes with the prompt."""

    chosen: Example
    rejected: Example


def read_preference(row: Row, format_: str = "auto") -> Preference:
    """The pair that a row holds. Raises DataError for a row that holds none.

    A prompt and two strings are a question and its answers, or with the format `text` text that
    goes on in two ways. Without a prompt, it is what both answers begin with.
    """
    for name in ANSWERS:
        if row.fields.get(name) is None:
            raise _no_pair(row, name)
    prompt, chosen, rejected = (row.fields.get(name) for name in ("prompt", *ANSWERS))
    if isinstance(chosen, str) is not isinstance(rejected, str):
        raise _mixed(row, chosen, rejected)
    if isinstance(prompt, list) or isinstance(chosen, list):
        return _conversations(row, _messages(row, prompt, "prompt"), chosen, rejected)
    answers = [
        text_of(row, answer, f"`{name}`")
        for name, answer in zip(ANSWERS, (chosen, rejected), strict=True)
    ]
    if prompt is None:
        shared = _shared_text(*answers)
        first, second = (Text(answer[len(shared) :], shared) for answer in answers)
        return Preference(first, second)
    asked = text_of(row, prompt, "`prompt`")
    if format_ == "text":
        return Preference(*(Text(answer, asked) for answer in answers))
    said = [{"role": "user", "content": asked}]
    return Preference(*(_answered(said, answer) for answer in answers))


def pair_texts(rows: Iterable[Row]) -> Iterator[str]:
    """What a person wrote in each row, the prompt once."""
    for row in rows:
        match read_preference(row):
            case Preference(Text() as chosen, Text() as rejected):
                yield chosen.prompt + chosen.completion
                yield rejected.completion
            case Preference(Conversation() as chosen, Conversation() as rejected):
                yield from (message["content"] for message in chosen.messages)
                yield rejected.messages[-1]["content"]


def _conversations(row: Row, said: list[Message], chosen: Any, rejected: Any) -> Preference:
    """Two conversations that are the same up to their last answer."""
    whole = []
    for name, given in zip(ANSWERS, (chosen, rejected), strict=True):
        messages = _messages(row, given, name, role="assistant")
        again = said and messages[: len(said)] == said  # UltraFeedback: the prompt stands in both
        whole.append(messages if again else [*said, *messages])
        if not whole[-1] or whole[-1][-1]["role"] != "assistant":
            raise DataError(
                f"`{name}` does not end with a message of the `assistant`",
                uri=row.uri,
                row=row.number,
                help="a pair is two answers, and each is the last message",
            )
    if whole[0][:-1] != whole[1][:-1]:
        raise DataError(
            "`chosen` and `rejected` differ before their last answer",
            uri=row.uri,
            row=row.number,
            help="give two answers to the same messages, or make two rows of it",
        )
    return Preference(*(Conversation(tuple(messages)) for messages in whole))


def _answered(said: Sequence[Message], answer: str) -> Conversation:
    return Conversation((*said, {"role": "assistant", "content": answer}))


def _messages(row: Row, given: Any, name: str, *, role: str = "user") -> list[Message]:
    """Messages as they are; a string is what one role says."""
    if given is None:
        return []
    if isinstance(given, str):
        return [{"role": role, "content": text_of(row, given, f"`{name}`")}]
    if not isinstance(given, list):
        raise DataError(
            f"`{name}` is {kind_of(given)}, neither text nor messages",
            uri=row.uri,
            row=row.number,
            help='write a string, or a list of `{"role": "user", "content": "..."}`',
        )
    return [message_of(row, at, item, within=name) for at, item in enumerate(given, 1)]


def _shared_text(chosen: str, rejected: str) -> str:
    """What two texts begin with, up to the last space or line end in it, which stays outside."""
    both = zip(chosen, rejected, strict=False)
    shorter = min(len(chosen), len(rejected))
    shared = chosen[: next((at for at, (a, b) in enumerate(both) if a != b), shorter)]
    if len(shared) == shorter:  # one begins with all of the other: something has to be its answer
        shared = shared[:-1]
    last = max(shared.rfind(" "), shared.rfind("\n"))
    return shared[:last] if last > 0 else ""


def _no_pair(row: Row, missing: str) -> DataError:
    columns = [name for name, value in row.fields.items() if value is not None]
    like = closest(missing, [name for name in columns if name not in ANSWERS])
    quoted = ", ".join(f"`{name}`" for name in columns) or "(none)"
    return DataError(
        f"the row is no pair: it has no `{missing}`, and its columns are {quoted}",
        uri=row.uri,
        row=row.number,
        help=f"rename `{like}` to `{missing}`"
        if like
        else "a pair has `chosen` and `rejected`, and may have a `prompt`; rows of single answers "
        "are for the workflow `supervised`",
    )


def _mixed(row: Row, chosen: Any, rejected: Any) -> DataError:
    return DataError(
        f"`chosen` is {kind_of(chosen)} and `rejected` {kind_of(rejected)}",
        uri=row.uri,
        row=row.number,
        help="write both as text, or both as messages",
    )
