"""How the frontend says what is wrong: one function to call, one to make what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kitchen.ir.diagnostic import Diagnostic, Label
from kitchen.ir.source import Span

Report = Callable[[Diagnostic], None]


def fault(
    code: str,
    message: str,
    at: Span | None,
    label: str = "",
    *,
    also: Iterable[tuple[Span | None, str]] = (),
    help: str | None = None,
) -> Diagnostic:
    """One fault at one place; `also` holds the other places that matter, where they are known."""
    return Diagnostic(
        code,
        message,
        None if at is None else Label(at, label),
        tuple(Label(span, text) for span, text in also if span is not None),
        help,
    )


def short(text: str) -> str:
    """A text that someone wrote, as much of it as a message has room for."""
    return text if len(text) <= 40 else f"{text[:37]}..."


def quoted(names: Iterable[str], joint: str = "or") -> str:
    """Names in backticks, joined as a sentence has them."""
    *most, last = [f"`{name}`" for name in names]
    return f"{', '.join(most)} {joint} {last}" if most else last
