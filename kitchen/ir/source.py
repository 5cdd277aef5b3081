"""Where a piece of a program was written: sources, spans, positions."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from kitchen.ir.frozen import frozen


@dataclass(frozen=True)
class Source:
    """One document: the name a person knows it by, and its text."""

    name: str
    text: str

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        at = self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character offset, both counted from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """Character offset of a line and column, both counted from 0, as YAML marks give them."""
        return self._starts[min(line, len(self._starts) - 1)] + column

    def line(self, number: int) -> str:
        """The text of one line, counted from 1, without its line end."""
        start = self._starts[number - 1]
        last = number >= len(self._starts)
        end = len(self.text) if last else self._starts[number] - 1
        return self.text[start:end].rstrip("\r")

    def __repr__(self) -> str:
        return f"Source({self.name!r})"


@frozen
class Span:
    """A stretch of a source, from `start` up to `end`, in characters."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def within(self, start: int, end: int) -> Span:
        """The part of this span from `start` up to `end`, counted from its own start."""
        return Span(self.source, self.start + start, self.start + end)

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"
