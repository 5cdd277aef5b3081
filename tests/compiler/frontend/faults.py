"""What is said of a document, shown beneath it."""

from __future__ import annotations

from collections.abc import Iterable

from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.render import render_text

RULE = "-" * 40


def shown(document: str, diagnostics: Iterable[Diagnostic]) -> str:
    """A document, a rule, and what is said of it."""
    said = render_text(diagnostics) or "nothing\n"
    visible = document.encode("unicode_escape").decode() if _hidden(document) else document
    return f"{visible.rstrip()}\n{RULE}\n{said}"


def _hidden(document: str) -> bool:
    return any(not (character.isprintable() or character == "\n") for character in document)
