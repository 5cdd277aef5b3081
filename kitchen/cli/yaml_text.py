"""Plain data as YAML text, by hand: every scalar reads back as what it was."""

from __future__ import annotations

import re

from kitchen.ir.infix import literal
from kitchen.ir.visible import visible

#: Text that YAML reads as itself without quotes, wherever it stands.
_PLAIN = re.compile(r"[A-Za-z./_][\w./*@+-]*(?::[\w./*@+-]+)*")
#: Words that YAML, in one version or another, takes for something else.
_TAKEN = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", ".inf", ".nan"})


def yaml_value(value: object) -> str:
    """A value on one line.

    >>> yaml_value("tiny"), yaml_value("no"), yaml_value("a: b"), yaml_value([1e-4, "x", None])
    ('tiny', '"no"', '"a: b"', '[0.0001, x, null]')
    """
    match value:
        case str():
            plain = _PLAIN.fullmatch(value) and value.lower() not in _TAKEN
            return value if plain else visible(literal(value))
        case list() | tuple():
            return f"[{', '.join(map(yaml_value, value))}]"
        case dict():
            pairs = (f"{yaml_value(key)}: {yaml_value(item)}" for key, item in value.items())
            return f"{{{', '.join(pairs)}}}"
    return literal(value)
