"""Kubernetes objects as YAML that every reader takes for the same data: all strings are quoted.

Go reads bare scalars by other rules than Python: `1e-3`, `n` and `0o17` are a number, a boolean
and a number to one of them and text to the other. In double quotes they are text to both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

WIDTH = 100

_PLAIN_KEY = re.compile(r"[a-z][A-Za-z]{2,}")
_KEYWORDS = {"yes", "off", "true", "false", "null", "nan", "inf"}
_ODD = re.compile(r"[^ !#-\[\]-~]")  #: what may not stand in double quotes as it is
_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}

#: Written on one line where they fit on it, with all that is in them.
_FLOW = {"arguments", "inputs"}


class Noted(dict[str, object]):
    """A mapping with a comment above it."""

    def __init__(self, note: str, items: Mapping[str, object]) -> None:
        super().__init__(items)
        self.note = note


def render(documents: Iterable[Mapping[str, object]], *, note: str = "") -> bytes:
    """Documents as one file, with a comment on top."""
    head = [f"# {line}".rstrip() for line in note.splitlines()]
    texts = ["\n".join(_Writer(quoted).block(document, 0)) for document in documents]
    return ("\n".join([*head, "\n---\n".join(texts)]) + "\n").encode()


def manifest(document: Mapping[str, object]) -> str:
    """A document that stands in another as a text: in single quotes, so that few are escaped."""
    return "\n".join(_Writer(_single_quoted).block(document, 0)) + "\n"


def quoted(text: str) -> str:
    """A double-quoted scalar on one line.

    >>> print(quoted('a "b"'), quoted("1e-3"), quoted("\\u2028"))
    "a \\"b\\"" "1e-3" "\\u2028"
    """
    return f'"{_ODD.sub(_escaped, text)}"'


def _single_quoted(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        return quoted(text)
    return "'" + text.replace("'", "''") + "'"


def _escaped(found: re.Match[str]) -> str:
    letter = found[0]
    code = ord(letter)
    if letter in _SHORT or (code > 0xA0 and letter.isprintable()):
        return _SHORT.get(letter, letter)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes a document in blocks, with what is short and flat on one line."""

    scalar: Callable[[str], str]

    def block(self, value: object, indent: int) -> Iterator[str]:
        """The lines of a value that stands on lines of its own."""
        room = " " * indent
        if isinstance(value, Mapping):
            for name, item in value.items():
                yield from _note(item, room)
                yield from self.entry(f"{room}{self.key(name)}:", name, item, indent)
            return
        assert isinstance(value, list | tuple), value
        alike = all(map(_is_flat, value))  # items of one list look alike
        for item in value:
            yield from _note(item, room)
            if not _nested(item) or self.fits(item, indent + 2, is_open=alike):
                yield f"{room}- {self.flow(item)}"
                continue
            first, *rest = self.block(item, indent + 2)
            yield f"{room}- {first[indent + 2 :]}"
            yield from rest

    def entry(self, head: str, name: str, item: object, indent: int) -> Iterator[str]:
        if isinstance(item, str) and "\n" in item.rstrip("\n"):
            yield f"{head} {_lines(item, indent + 2)}"
        elif not _nested(item) or self.fits(
            item, len(head) + 1, is_open=_is_flat(item) or name in _FLOW
        ):
            yield f"{head} {self.flow(item)}"
        else:
            yield head
            yield from self.block(item, indent if isinstance(item, list | tuple) else indent + 2)

    def fits(self, item: object, used: int, *, is_open: bool) -> bool:
        return is_open and used + len(self.flow(item)) <= WIDTH

    def flow(self, value: object) -> str:
        match value:
            case str():
                return self.scalar(value)
            case bool():
                return "true" if value else "false"
            case int():
                return str(value)
            case Mapping():
                items = (f"{self.key(k)}: {self.flow(v)}" for k, v in value.items())
                return "{" + ", ".join(items) + "}"
            case list() | tuple():
                return "[" + ", ".join(map(self.flow, value)) + "]"
        raise AssertionError(value)

    def key(self, name: str) -> str:
        """A key, bare where no reader takes it for anything but text."""
        bare = _PLAIN_KEY.fullmatch(name) and name not in _KEYWORDS
        return name if bare else self.scalar(name)


def _lines(text: str, indent: int) -> str:
    """A text of several lines, one below the other, as one double-quoted scalar."""
    room = " " * indent
    lines = []
    for line in text.splitlines(keepends=True):
        inner = quoted(line)[1:-1]
        lines.append(room + ("\\" if inner[:1] == " " else "") + inner)
    return '"\\\n' + "\\\n".join(lines) + '"'


def _note(item: object, room: str) -> Iterator[str]:
    if isinstance(item, Noted) and item.note:
        yield from (f"{room}# {line}" for line in item.note.splitlines())


def _nested(value: object) -> bool:
    return isinstance(value, Mapping | list | tuple) and bool(value)


def _is_flat(value: object) -> bool:
    """Whether a value has nothing nested in it, and little in all."""
    if isinstance(value, Mapping):
        return len(value) <= 3 and not any(map(_nested, value.values()))
    return not isinstance(value, list | tuple) or not any(map(_nested, value))
