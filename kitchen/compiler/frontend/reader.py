"""Text to nodes: files to sources, and the one document of a source to a tree with positions."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from kitchen.compiler.frontend.report import fault
from kitchen.compiler.frontend.syntax import Node
from kitchen.compiler.frontend.tree import Stop, Tree
from kitchen.compiler.frontend.yaml_faults import explain, unreadable
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.source import Source, Span

MAX_CHARACTERS = 4 * 1024 * 1024

BYTE_ORDER_MARK = "\ufeff"


def load(
    path: Path, *, name: str | None = None, named_at: Span | None = None
) -> tuple[Source | None, tuple[Diagnostic, ...]]:
    """The text of a file as a source, or why there is none; `named_at` is where it was named."""
    shown = str(path) if name is None else name

    def refuse(message: str, help: str) -> tuple[None, tuple[Diagnostic, ...]]:
        return None, (fault("K002", message, named_at, "named here", help=help),)

    try:
        if path.is_dir():
            return refuse(f"`{shown}` is a folder", "name a file in it")
        with path.open("rb") as file:
            data = file.read(4 * MAX_CHARACTERS + 1)
    except FileNotFoundError:
        return refuse(f"there is no file `{shown}`", "check the path and the spelling")
    except (OSError, ValueError) as cause:
        reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
        return refuse(f"`{shown}` cannot be read: {reason.lower()}", "name a readable text file")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as cause:
        line = data.count(b"\n", 0, cause.start) + 1
        message = f"`{shown}` is not UTF-8 text: line {line} has a byte that is not"
        return None, (fault("K003", message, named_at, "named here", help="save it as UTF-8"),)
    return Source(shown, text.removeprefix(BYTE_ORDER_MARK)), ()


def read(source: Source, *, start: int = 0) -> tuple[Node | None, tuple[Diagnostic, ...]]:
    """The one document of a source as nodes, or everything that keeps it from being read.

    `start` is where in the text the document begins.
    """
    size = len(source.text) - start
    if size > MAX_CHARACTERS:
        here = Span(source, start, start)
        message = f"a document may have {MAX_CHARACTERS:,} characters, this one has {size:,}"
        return None, (fault("K004", message, here, help="split it into templates"),)
    diagnostics = list(unreadable(source, start))
    if diagnostics:
        return None, tuple(diagnostics)
    tree = Tree(source, start, diagnostics.append)
    root = None
    with paused_collection():
        try:
            root = tree.read()
        except yaml.MarkedYAMLError as cause:
            diagnostics.append(explain(cause, source, start))
        except Stop as stop:
            diagnostics.append(stop.diagnostic)
    return (None if diagnostics else root), tuple(diagnostics)


@contextmanager
def paused_collection() -> Iterator[None]:
    """Keep the cyclic collector from walking a tree while it grows: most of the time is its."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
