"""Files to sources."""

from __future__ import annotations

from pathlib import Path

from kitchen.compiler.frontend.report import fault
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.source import Source, Span

MAX_CHARACTERS = 4 * 1024 * 1024

_LONGEST_CHARACTER = 4  #: bytes, in UTF-8
_BYTE_ORDER_MARK = "\ufeff"


def load(
    path: Path, *, name: str | None = None, named_at: Span | None = None
) -> tuple[Source | None, tuple[Diagnostic, ...]]:
    """The text of a file as a source, or why there is none.

    The source is called `name`, or as the path is written; `named_at` is where it was named.
    """
    shown = str(path) if name is None else name

    def refuse(code: str, message: str, help: str) -> tuple[None, tuple[Diagnostic, ...]]:
        return None, (fault(code, message, named_at, "named here", help=help),)

    try:
        if path.is_dir():
            return refuse("K002", f"`{shown}` is a folder", "name a file in it")
        with path.open("rb") as file:
            data = file.read(MAX_CHARACTERS * _LONGEST_CHARACTER + 1)
    except FileNotFoundError:
        return refuse("K002", f"there is no file `{shown}`", "check the path and its spelling")
    except (OSError, ValueError) as cause:
        reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
        message = f"`{shown}` cannot be read: {reason.lower()}"
        return refuse("K002", message, "name a text file that you may read")
    if len(data) > MAX_CHARACTERS * _LONGEST_CHARACTER:
        message = f"`{shown}` has more than {MAX_CHARACTERS:,} characters"
        return refuse("K004", message, "a recipe names its data, it does not hold it")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as cause:
        line = data.count(b"\n", 0, cause.start) + 1
        message = f"`{shown}` is not UTF-8 text: see line {line}"
        return refuse("K003", message, "save it as UTF-8")
    return Source(shown, text.removeprefix(_BYTE_ORDER_MARK)), ()
