"""A recipe that has been read, with all that it takes to compile it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kitchen.ir.frozen import frozen
from kitchen.ir.source import Source
from kitchen.ir.spec import Registry

if TYPE_CHECKING:
    from kitchen.compiler.compile import Compiled


@frozen
class Loaded:
    """A recipe's text and the `--set` values that go with it."""

    path: Path
    source: Source
    overrides: dict[str, str]
    registry: Registry

    def compiled(self, after: str | None = None) -> Compiled:
        """The program of the recipe. Raises CompileError."""
        from kitchen.compiler.compile import compile_recipe

        return compile_recipe(self.source, self.registry, overrides=self.overrides, after=after)

    def plan(self, compiled: Compiled) -> dict[str, Any]:
        from kitchen.compiler.plan import plan_of

        return plan_of(compiled.program, self.registry, compiled.diagnostics)


def registry() -> Registry:
    """What is installed. Raises CompileError where packages are in each other's way."""
    from kitchen.runtime.plugins import installed

    return installed()


def from_here(path: Path) -> Path:
    """A path as a person in this folder would write it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
