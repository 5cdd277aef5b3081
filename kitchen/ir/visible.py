"""Text from outside, made safe to show: nothing in it can steer a terminal or hide itself."""

from __future__ import annotations

import unicodedata

#: Control, format (bidi marks are here), lone surrogate, line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_TAB = "    "


def visible(text: str) -> str:
    """The text with every character that is not plainly seen written as an escape.

    >>> visible("red \\x1b[31m, reversed \\u202e")
    'red \\\\x1b[31m, reversed \\\\u202e'
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_shown, text))


def width(text: str) -> int:
    """How many terminal columns a text fills, once it is made visible.

    >>> width("gut"), width("数据"), width("e\\u0301"), width("\\t")
    (3, 4, 1, 4)
    """
    shown = visible(text)
    return len(shown) if shown.isascii() else sum(map(_columns, shown))


def _shown(character: str) -> str:
    if character == "\t":
        return _TAB
    if unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode("ascii")


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
