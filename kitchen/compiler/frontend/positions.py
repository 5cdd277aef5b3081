"""Where a part of a scalar's text stands in its source, whatever quotes and escapes it has."""

from __future__ import annotations

from kitchen.compiler.frontend.syntax import Scalar
from kitchen.ir.source import Span

_ESCAPE_WIDTH = {"x": 4, "u": 6, "U": 10}


def part(scalar: Scalar, start: int, end: int) -> Span:
    """The span of `scalar.text[start:end]`."""
    first = origin(scalar)
    if first is not None:
        return Span(scalar.source, first + start, first + end)
    written = scalar.span.text
    offsets = _offsets(scalar.text, written)
    first = offsets[start] if start < len(offsets) else len(written)
    last = offsets[end - 1] + 1 if 0 < end <= len(offsets) else first
    return scalar.span.within(first, max(first, min(last, len(written))))


def origin(scalar: Scalar) -> int | None:
    """Where a scalar's text begins in its source; None where it is not written as it reads."""
    text, written = scalar.text, scalar.source.text
    for at in (scalar.start, scalar.start + 1):
        if written.startswith(text, at, scalar.end):
            return at
    return None


def _offsets(text: str, written: str) -> list[int]:
    """For each character of a scalar's text, where it is written.

    Both are walked side by side: what was written and is not in the text (indentation, folded line
    ends, the second of two quotes, a block's header) is stepped over.
    """
    style = written[:1]
    at = written.find("\n") + 1 if style in ("|", ">") else 1 if style in ("'", '"') else 0
    offsets: list[int] = []
    for character in text:
        while at < len(written):
            if style == '"' and written[at] == "\\":
                if written[at + 1 : at + 2] in ("\n", "\r"):
                    at += 1
                    continue
                break
            if written[at] == character or (character == " " and written[at] == "\n"):
                break
            at += 1
        offsets.append(min(at, max(len(written) - 1, 0)))
        if style == '"' and written[at : at + 1] == "\\":
            at += _ESCAPE_WIDTH.get(written[at + 1 : at + 2], 2)
        else:
            at += 1
    return offsets
