"""What is written to a terminal: made safe, coloured where it is wanted, folded to its width."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TextIO

from kitchen.ir.frozen import frozen
from kitchen.ir.visible import visible, width

#: Where nothing says how wide the output is: a pipe, a file.
COLUMNS = 100

BOLD, DIM, RED, GREEN, YELLOW, BLUE, CYAN = "1", "2", "31", "32", "33", "34", "36"


@frozen
class Word:
    """A piece of text that stays in one piece, and its style (an SGR parameter)."""

    text: str
    style: str = ""

    @property
    def width(self) -> int:
        return width(self.text)

    def shown(self, colour: bool) -> str:
        text = visible(self.text)
        return f"\x1b[{self.style}m{text}\x1b[0m" if colour and self.style else text


Line = Sequence[Word]


def words(text: str, style: str = "") -> list[Word]:
    """Text that may be folded at its spaces."""
    return [Word(part, style) for part in text.split()]


@frozen
class Page:
    """How wide a text may be, and whether it has colours."""

    columns: int = COLUMNS
    colour: bool = False

    def shown(self, line: Line, between: str = " ") -> str:
        return between.join(word.shown(self.colour) for word in line)

    def folded(self, line: Iterable[Word], columns: int) -> list[list[Word]]:
        """The words in lines of at most `columns`; a longer word has a line of its own."""
        lines: list[list[Word]] = [[]]
        used = 0
        for word in line:
            if lines[-1] and used + 1 + word.width > columns:
                lines.append([])
                used = 0
            used += word.width + (1 if lines[-1] else 0)
            lines[-1].append(word)
        return lines

    def row(self, cells: Sequence[tuple[Line, int]], last: Iterable[Word]) -> list[str]:
        """Cells padded to their columns, then words folded into what is left of the width."""
        head = ""
        for line, columns in cells:
            used = sum(word.width for word in line) + max(len(line) - 1, 0)
            head += self.shown(line) + " " * max(columns - used, 0)
        indent = sum(columns for _, columns in cells)
        first, *rest = self.folded(last, max(self.columns - indent, 20))
        lines = [(head + self.shown(first)).rstrip()]
        return lines + [" " * indent + self.shown(line) for line in rest]


def page(stream: TextIO) -> Page:
    """The page that a stream is: its width, and colours if it is a terminal that wants them."""
    return Page(_columns_of(stream), has_colour(stream))


def _columns_of(stream: TextIO) -> int:
    """As `shutil.get_terminal_size` finds it, without what importing that costs."""
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdecimal() and int(given) > 0:
        return int(given)
    try:
        return os.get_terminal_size(stream.fileno()).columns or COLUMNS
    except (OSError, ValueError):
        return COLUMNS


def has_colour(stream: TextIO) -> bool:
    """Whether to colour: `NO_COLOR` and `FORCE_COLOR` (no-color.org, force-color.org) decide."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"
