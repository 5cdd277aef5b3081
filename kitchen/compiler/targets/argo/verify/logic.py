"""`depends` as Argo reads it: results of calls, with `!`, `&&`, `||` and parentheses."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"\s*(?:(&&|\|\||!|\(|\))|([a-zA-Z0-9][-a-zA-Z0-9]*)(?:\.([A-Za-z]*))?)")

RESULTS = frozenset(
    {
        "Succeeded",
        "Failed",
        "Errored",
        "Skipped",
        "Omitted",
        "Daemoned",
        "AnySucceeded",
        "AllFailed",
    }
)


class LogicError(Exception):
    """What is no rule."""


Terms = list[tuple[str, str]]  #: calls, and the result of each; none for a bare name


def terms(text: str) -> Terms:
    """The calls that a rule reads. Raises LogicError for what is none.

    >>> terms("a.Succeeded && (b.Succeeded || b.Skipped)")
    [('a', 'Succeeded'), ('b', 'Succeeded'), ('b', 'Skipped')]
    """
    reading = _Reading(_tokens(text), [])
    reading.either()
    if reading.tokens:
        raise LogicError(f"`{reading.tokens[0][0]}` comes after its end")
    return reading.found


def _tokens(text: str) -> list[tuple[str, str, str | None]]:
    found, position = [], 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise LogicError(f"`{stripped[position:]}` cannot be read")
        found.append((match[1] or match[2], match[2] or "", match[3]))
        position = match.end()
    return found


@dataclass(slots=True)
class _Reading:
    tokens: list[tuple[str, str, str | None]]
    found: Terms

    def either(self) -> None:
        self.both()
        while self.take("||"):
            self.both()

    def both(self) -> None:
        self.one()
        while self.take("&&"):
            self.one()

    def one(self) -> None:
        if self.take("!"):
            self.one()
        elif self.take("("):
            self.either()
            if not self.take(")"):
                raise LogicError("a parenthesis is open")
        elif self.tokens and self.tokens[0][1]:
            _, name, result = self.tokens.pop(0)
            self.found.append((name, result or ""))
        else:
            raise LogicError("a call is missing")

    def take(self, word: str) -> bool:
        if self.tokens and self.tokens[0][0] == word and not self.tokens[0][1]:
            self.tokens.pop(0)
            return True
        return False
