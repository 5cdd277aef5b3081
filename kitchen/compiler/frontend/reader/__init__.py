"""Text to nodes: the one document of a source as a tree with positions."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import yaml

from kitchen.compiler.frontend.reader.characters import refused_characters
from kitchen.compiler.frontend.reader.files import MAX_CHARACTERS, load
from kitchen.compiler.frontend.reader.tree import Stop, Tree
from kitchen.compiler.frontend.report import fault
from kitchen.compiler.frontend.syntax import Node
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.source import Source, Span

__all__ = ["load", "paused_collection", "read"]


def read(source: Source, *, start: int = 0) -> tuple[Node | None, tuple[Diagnostic, ...]]:
    """The one document of a source as nodes, or everything that keeps it from being read.

    `start` is where in the text the document begins.
    """
    size = len(source.text) - start
    if size > MAX_CHARACTERS:
        here = Span(source, start, start)
        message = f"a document may have {MAX_CHARACTERS:,} characters, this one has {size:,}"
        return None, (fault("K004", message, here, help="split it into templates"),)
    diagnostics = list(refused_characters(source, start))
    if diagnostics:
        return None, tuple(diagnostics)
    tree = Tree(source, start, diagnostics.append)
    root = None
    with paused_collection():
        try:
            root = tree.read()
        except yaml.MarkedYAMLError as cause:
            from kitchen.compiler.frontend.reader.yaml_faults import explain

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
            if not gc.get_freeze_count():
                # All that was made is old now, and not walked as soon as collection goes on.
                gc.freeze()
                gc.unfreeze()
            gc.enable()
