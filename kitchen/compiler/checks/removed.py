"""Why a stage is gone: it was removed itself, or with the loop or map it stood in."""

from __future__ import annotations

from collections.abc import Iterator

from kitchen.ir.program import Program, Region, Removal, Stage
from kitchen.ir.walk import regions


def removals(program: Program, original: Program) -> Iterator[tuple[Stage, Removal]]:
    """Each stage of the program as built that is not in what is left, with the reason."""
    gone = {removal.op: removal for removal in program.removed}
    for region in (original.body, original.on_failure, original.finally_):
        yield from _gone(region, gone, None)


def _gone(
    region: Region, gone: dict[str, Removal], around: Removal | None
) -> Iterator[tuple[Stage, Removal]]:
    for op in region.ops:
        removal = gone.get(op.name, around)
        if isinstance(op, Stage) and removal is not None:
            yield op, removal
        for inner in regions(op):
            yield from _gone(inner, gone, removal)
