"""Plain scalars to values, by the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema).

`1e-4` is a float; `NO`, `22:22` and `2024-01-01` are strings; `0755` is seven hundred and
fifty-five, `0o755` is octal.
"""

from __future__ import annotations

import math
import re

from kitchen.compiler.frontend.report import short
from kitchen.ir.expr import LARGEST

_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?[0-9]+")
_PREFIXED = re.compile(r"0o([0-7]+)|0x([0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_FIRST = frozenset("+-.0123456789~ntfNTF")


class ScalarError(Exception):
    """A plain scalar that spells a number kitchen cannot hold: what it is, and the cure."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.message, self.help = message, help


def resolve(text: str) -> object:
    """The value a plain scalar spells: None, a bool, an int, a float, or its text.

    Raises ScalarError for a number that is not finite or beyond 64 bits.

    >>> [resolve(text) for text in ("1e-4", "NO", "22:22", "0755", "0o17", "0x1F", "~")]
    [0.0001, 'NO', '22:22', 755, 15, 31, None]
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST:
        return text
    if _INT.fullmatch(text):
        return _int(text, text.lstrip("+-0"), 10, -1 if text[0] == "-" else 1)
    prefixed = _PREFIXED.fullmatch(text)
    if prefixed is not None:
        octal, hexadecimal = prefixed.groups()
        return _int(text, (octal or hexadecimal).lstrip("0"), 8 if octal else 16, 1)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise ScalarError(
                f"`{short(text)}` is beyond what a float can hold", "write a smaller number"
            )
        return number
    if _NOT_FINITE.fullmatch(text):
        raise ScalarError(
            f"`{text}` is not a finite number", "write a number; in quotes it is a string"
        )
    return text


def is_text(text: str) -> bool:
    """Whether a plain scalar spells a string."""
    try:
        return isinstance(resolve(text), str)
    except ScalarError:
        return False


def _int(text: str, digits: str, radix: int, sign: int) -> int:
    number = int(digits or "0", radix) if len(digits) <= 64 else LARGEST
    if number >= LARGEST:
        raise ScalarError(
            f"`{short(text)}` is beyond 64 bits", "write a smaller number, or quote it as a string"
        )
    return sign * number
