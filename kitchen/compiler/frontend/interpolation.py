"""`${...}` inside a text: where each expression starts and ends."""

from __future__ import annotations

from kitchen.compiler.frontend.positions import Positions
from kitchen.compiler.frontend.report import Report, fault
from kitchen.ir.frozen import frozen


@frozen
class Hole:
    """The text between `${` and its `}`."""

    start: int
    end: int


def pieces(positions: Positions, report: Report) -> list[str | Hole] | None:
    """The literal parts and the holes of a text, in order. None, reported, if one never ends.

    `$${` stands for a literal `${`.
    """
    text = positions.text
    found: list[str | Hole] = []
    literal, at = "", 0
    while (start := text.find("${", at)) >= 0:
        if start > at and text[start - 1] == "$":
            literal += text[at : start - 1] + "${"
            at = start + 2
            continue
        end = _end(text, start + 2)
        if end is None:
            span = positions.part(start, start + 2)
            help = "close it with `}`; `$${` is a literal `${`"
            report(fault("K032", "this `${` is never closed", span, "opened here", help=help))
            return None
        literal += text[at:start]
        if literal:
            found.append(literal)
        found.append(Hole(start + 2, end))
        literal, at = "", end + 1
    literal += text[at:]
    return [*found, literal] if literal else found


def _end(text: str, at: int) -> int | None:
    """Where the `}` stands that closes a hole, outside quotes and inner braces."""
    depth, quote = 0, ""
    while at < len(text):
        character = text[at]
        if quote:
            if character == "\\":
                at += 1
            elif character == quote:
                quote = ""
        elif character in "'\"":
            quote = character
        elif character == "{":
            depth += 1
        elif character == "}":
            if depth == 0:
                return at
            depth -= 1
        at += 1
    return None
