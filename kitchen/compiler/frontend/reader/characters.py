"""Characters that a document may not hold as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kitchen.compiler.frontend.report import fault
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.source import Source, Span

# Controls; the breaks that YAML 1.1 knows and 1.2 does not; marks that reorder or hide text.
_REFUSED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]|\r(?!\n)"
)
_MOST = 8


def refused_characters(source: Source, start: int) -> Iterator[Diagnostic]:
    """Every character that a document may not hold, the first few of them."""
    for count, found in enumerate(_REFUSED.finditer(source.text, start)):
        if count == _MOST:
            return
        character, at = found.group(), Span(source, found.start(), found.end())
        if character == "\r":
            message = "a carriage return stands without a line feed"
            yield fault("K005", message, at, help="save the file with LF line ends")
            continue
        message = f"the character U+{ord(character):04X} cannot stand in a document"
        code = ord(character)
        escape = f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
        lone = 0xD800 <= code <= 0xDFFF
        help = "remove it" if lone else f'remove it, or write "{escape}" in double quotes'
        yield fault("K005", message, at, "not visible here", help=help)
