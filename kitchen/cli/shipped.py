"""The recipes that come with kitchen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kitchen.loaded import from_here


def shipped_recipes() -> Iterator[tuple[Path, str]]:
    """The path of each, from here where it is below, and what its first comment says."""
    from kitchen.runtime.plugins import shipped

    for path in sorted(shipped().glob("*.yaml")):
        yield from_here(path), _first_comment(path)


def _first_comment(path: Path) -> str:
    with path.open(encoding="utf-8") as lines:
        first = next(iter(lines), "")
    return first.removeprefix("#").strip() if first.startswith("#") else ""
