"""Effects: that something is left of a workflow when it has run."""

from __future__ import annotations

from collections.abc import Iterator

from kitchen.compiler.checks.places import place, places, stages, top_key
from kitchen.compiler.checks.removed import removals
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.program import Program
from kitchen.ir.spec import Effect, Registry


def no_effect(program: Program, registry: Registry, original: Program) -> Iterator[Diagnostic]:
    """Report a workflow in which no step that is left writes anything."""
    if leaves_something(program, registry):
        return
    gone = removals(program, original)
    lost = next((why for stage, why in gone if _writes(stage.stage, registry)), None)
    yield Diagnostic(
        "K403",
        f"the workflow `{program.workflow}` leaves nothing behind",
        place(top_key("workflow", program) or program.span, "no step that is left writes"),
        places(place(lost.span, f"removed: {lost.reason}") if lost else None),
        "add a step that keeps the result, such as `save_weights`",
    )


def leaves_something(program: Program, registry: Registry) -> bool:
    """Whether a step writes; where none does, all is unused and only that is worth saying."""
    return any(_writes(op.stage, registry) for op in stages(program))


def _writes(stage: str, registry: Registry) -> bool:
    spec = registry.stages.get(stage)
    return spec is not None and spec.effect is Effect.WRITES
