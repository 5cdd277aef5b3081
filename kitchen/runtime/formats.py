"""Row formats: what the columns of a row mean, as a conversation or as plain text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kitchen.ir.diagnostic import closest, did_you_mean
from kitchen.runtime.ports import DataError, Row
from kitchen.runtime.text_rows import kind_of

ROLES = ("system", "user", "assistant", "tool")
AUTO = "auto"

Message = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages, each with a `role` and a `content`; `others` are as right as the last answer."""

    messages: tuple[Message, ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """Text to go on with, as it stands; what comes before it may be a prompt.

    `others` would go on as rightly.
    """

    completion: str
    prompt: str = ""
    others: tuple[str, ...] = ()


Example = Conversation | Text


@dataclass(frozen=True, slots=True)
class Format:
    """A row format: the columns it needs (one of each group), and how a row of it is read."""

    name: str
    needs: tuple[tuple[str, ...], ...]
    read: Callable[[Row], Example]

    def fits(self, columns: Collection[str]) -> bool:
        return all(any(name in columns for name in group) for group in self.needs)

    def __str__(self) -> str:
        return " + ".join(" or ".join(f"`{name}`" for name in group) for group in self.needs)


def read_example(row: Row, name: str) -> Example:
    """The example that a row holds, read in the format of that name."""
    format_ = FORMATS[name]
    columns = _columns(row)
    if not format_.fits(columns):
        missing = next(g for g in format_.needs if not any(column in columns for column in g))
        raise DataError(
            f"the row has no `{missing[0]}`, which the format `{name}` needs; "
            f"its columns are {_quoted(columns)}",
            uri=row.uri,
            row=row.number,
            help=_rename(missing, columns) or f"`format: {name}` needs {format_}",
        )
    return format_.read(row)


def detect_format(row: Row) -> str:
    """The one format that the columns of a row fit. Raises DataError for none, and for several."""
    columns = _columns(row)
    fitting = [name for name, format_ in FORMATS.items() if format_.fits(columns)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        known = ", ".join(str(format_) for format_ in FORMATS.values())
        raise DataError(
            f"no known format has the columns {_quoted(columns)}",
            uri=row.uri,
            row=row.number,
            help=f"rename the columns to those of a format that is known: {known}",
        )
    raise DataError(
        f"the columns {_quoted(columns)} fit more than one format: {_quoted(fitting)}",
        uri=row.uri,
        row=row.number,
        help=f"say which with `format: {fitting[0]}`",
    )


def _rename(missing: Iterable[str], columns: Iterable[str]) -> str | None:
    for name in missing:
        if like := closest(name, columns):
            return f"rename `{like}` to `{name}`"
    return None


def _columns(row: Row) -> list[str]:
    return [name for name, value in row.fields.items() if value is not None]


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "(none)"


# --------------------------------------------------------------------------- one reader per format


def _messages(row: Row) -> Example:
    messages = row.fields["messages"]
    if not isinstance(messages, list) or not messages:
        raise DataError(
            "`messages` is not a list of messages",
            uri=row.uri,
            row=row.number,
            help='a message is `{"role": "user", "content": "..."}`',
        )
    return Conversation(tuple(message_of(row, at, item) for at, item in enumerate(messages, 1)))


def message_of(row: Row, at: int, message: Any, *, within: str = "") -> Message:
    """The message that stands at a place (from 1) of a list in a row."""
    where = f"message {at} of `{within}`" if within else f"message {at}"
    if not isinstance(message, Mapping) or "role" not in message or "content" not in message:
        seen = _quoted(message) if isinstance(message, Mapping) else f"`{message}`"
        raise DataError(
            f"{where} has no `role` and `content`: {seen}",
            uri=row.uri,
            row=row.number,
            help='a message is `{"role": "user", "content": "..."}`',
        )
    role = message["role"]
    if role not in ROLES:
        raise DataError(
            f"{where} has the role `{role}`",
            uri=row.uri,
            row=row.number,
            help=did_you_mean(str(role), ROLES) or "",
        )
    return {"role": role, "content": text_of(row, message["content"], where)}


def _prompt_completion(row: Row) -> Example:
    first, *others = _answers(row, "completion")
    return Text(first, _field(row, "prompt"), tuple(others))


def _instruction(row: Row) -> Example:
    answers = [name for name in ("output", "response") if name in _columns(row)]
    if len(answers) == 2:
        raise DataError(
            "the row has both `output` and `response`",
            uri=row.uri,
            row=row.number,
            help="leave one out: either is the answer to the instruction",
        )
    asked = _field(row, "instruction")
    given = _field(row, "input") if row.fields.get("input") else ""
    return _exchange(f"{asked}\n\n{given}" if given else asked, _answers(row, answers[0]))


def _question_answer(row: Row) -> Example:
    return _exchange(_field(row, "question"), _answers(row, "answer"))


def _plain_text(row: Row) -> Example:
    return Text(_field(row, "text"))


def _exchange(question: str, answers: tuple[str, ...]) -> Conversation:
    said = {"role": "assistant", "content": answers[0]}
    return Conversation(({"role": "user", "content": question}, said), answers[1:])


def _answers(row: Row, name: str) -> tuple[str, ...]:
    """The answers of a row, of which there may be a list: the first is the one to be learned."""
    given = row.fields[name]
    if not isinstance(given, list):
        return (_field(row, name),)
    if not given:
        raise DataError(
            f"`{name}` is an empty list",
            uri=row.uri,
            row=row.number,
            help="give an answer: a text, or a list of texts of which each is right",
        )
    return tuple(text_of(row, one, f"answer {at} of `{name}`") for at, one in enumerate(given, 1))


def _field(row: Row, name: str) -> str:
    return text_of(row, row.fields[name], f"`{name}`")


def text_of(row: Row, value: Any, what: str) -> str:
    """The value as text. Raises DataError where it is none, or none that can be written."""
    if not isinstance(value, str):
        raise DataError(
            f"{what} is {kind_of(value)}, not text",
            uri=row.uri,
            row=row.number,
            help="write it as one string",
        )
    try:
        value.encode()
    except UnicodeEncodeError as cause:
        raise DataError(
            f"{what} holds half of a surrogate pair at character {cause.start + 1}",
            uri=row.uri,
            row=row.number,
            help="write the character itself, or both halves of its escape",
        ) from cause
    return value


FORMATS: dict[str, Format] = {
    format_.name: format_
    for format_ in (
        Format("messages", (("messages",),), _messages),
        Format("prompt_completion", (("prompt",), ("completion",)), _prompt_completion),
        Format("instruction", (("instruction",), ("output", "response")), _instruction),
        Format("question_answer", (("question",), ("answer",)), _question_answer),
        Format("text", (("text",),), _plain_text),
    )
}
