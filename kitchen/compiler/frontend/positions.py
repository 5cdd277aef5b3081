"""Where the parts of a scalar's text stand in its source, whatever quotes and escapes it has."""

from __future__ import annotations

from functools import cached_property

from kitchen.compiler.frontend.syntax import Scalar
from kitchen.ir.source import Span

_ESCAPE_WIDTH = {"x": 4, "u": 6, "U": 10}


class Positions:
    """The places of the characters of one scalar."""

    def __init__(self, scalar: Scalar) -> None:
        self.scalar, self.text = scalar, scalar.text
        self.origin = _origin(scalar)

    def part(self, start: int, end: int) -> Span:
        """The span of `text[start:end]`."""
        source, first = self.scalar.source, self.origin
        if first is not None:
            return Span(source, first + start, first + end)
        offsets, limit = self._offsets, self.scalar.end
        begin = offsets[start] if start < len(offsets) else limit
        last = offsets[end - 1] + 1 if 0 < end <= len(offsets) else begin
        return Span(source, begin, max(begin, min(last, limit)))

    @cached_property
    def _offsets(self) -> list[int]:
        """For each character of the text, where it is written.

        Text and source are walked side by side: what was written and is not in the text
        (indentation, folded line ends, the second of two quotes, a block's header) is stepped over.
        """
        written, at, end = self.scalar.source.text, self.scalar.start, self.scalar.end
        style = written[at : at + 1]
        if style in ("|", ">"):
            at = written.find("\n", at, end) + 1 or end
        elif style in ("'", '"'):
            at += 1
        offsets: list[int] = []
        for character in self.text:
            escaped = False
            while at < end:
                escaped = style == '"' and written[at] == "\\"
                if escaped and written[at + 1 : at + 2] in ("\n", "\r"):
                    escaped = False  # the line goes on in the next one
                elif (
                    escaped
                    or written[at] == character
                    or (character == " " and written[at] == "\n")
                ):
                    break
                at += 1
            offsets.append(min(at, end - 1))
            at += _ESCAPE_WIDTH.get(written[at + 1 : at + 2], 2) if escaped else 1
        return offsets


def _origin(scalar: Scalar) -> int | None:
    """Where a scalar's text begins in its source; None where it is not written as it reads."""
    text, written = scalar.text, scalar.source.text
    for at in (scalar.start, scalar.start + 1):
        if written.startswith(text, at, scalar.end):
            return at
    return None
