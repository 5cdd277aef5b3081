"""Stages in a loop that give the same every time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kitchen.compiler.rewrites.facts import (
    length,
    read_by_name,
    rebuilt,
    repeatable,
    updated_types,
)
from kitchen.ir.expr import Const, Expr, refs
from kitchen.ir.program import Loop, Map, Op, Program, Region, Removal, Stage
from kitchen.ir.spec import Registry
from kitchen.ir.walk import exprs, transform, with_regions


def hoist_invariants(program: Program, registry: Registry) -> Program:
    """Run a pure stage that reads nothing of a loop once, before the loop.

    before                                   after
      loop i over range(3) {                   %x: Int = twice(n=2)
        %x: Int = twice(n=2)                   loop i over range(3) {
        report(value=%x)                         report(value=%x)
      }                                        }

    Only out of loops that are sure to go round: a stage that would not have run must not be
    given the chance to fail. Not out of branches, for the same reason.
    """
    hoisting = _Hoisting(program, registry)
    regions = rebuilt(program, lambda region: transform(region, hoisting), [])
    return rebuilt(regions, lambda region: region, list(hoisting.removed.values()))


class _Hoisting:
    """Moves invariant stages out of one loop after another, the innermost first."""

    def __init__(self, program: Program, registry: Registry) -> None:
        self.registry = registry
        self.by_name = read_by_name(program)
        self.updated = updated_types(program, registry)
        self.removed: dict[int, Removal] = {}  #: by the identity of the stage

    def __call__(self, op: Op) -> Iterable[Op]:
        match op:
            case Loop() | Map() if _goes_round(op):
                moved, kept = self._split(op.body)
                if moved:
                    self.removed.update((id(stage), _record(stage, op)) for stage in moved)
                    return (*moved, with_regions(op, (kept,)))
        return (op,)

    def _split(self, body: Region) -> tuple[list[Stage], Region]:
        """The stages that can leave a body, and the body without them."""
        inside = set(body.params)
        for op in body.ops:
            inside.update(op.outputs)
        moved: list[Stage] = []
        kept: list[Op] = []
        for op in body.ops:
            if (
                isinstance(op, Stage)
                and repeatable(op, self.registry.stages.get(op.stage), self.updated)
                and not any(out.name in self.by_name for out in op.outputs)
                and not any(ref.value in inside for expr in exprs(op) for ref in refs(expr))
            ):
                moved.append(op)
                inside.difference_update(op.outputs)
            else:
                kept.append(op)
        return moved, replace(body, ops=tuple(kept)) if moved else body


def _goes_round(op: Loop | Map) -> bool:
    """Whether a loop is sure to have an iteration."""
    if op.over is not None and not length(op.over):
        return False
    return isinstance(op, Map) or (_not_below_one(op.max) and _holds_at_first(op.while_))


def _not_below_one(most: Expr | None) -> bool:
    return most is None or (
        isinstance(most, Const) and isinstance(most.value, int) and most.value >= 1
    )


def _holds_at_first(condition: Expr | None) -> bool:
    return condition is None or (isinstance(condition, Const) and bool(condition.value))


def _record(stage: Stage, loop: Loop | Map) -> Removal:
    kind = "loop" if isinstance(loop, Loop) else "map"
    reason = f"runs once, before {kind} `{loop.name}`"
    return Removal(
        op=stage.name,
        stage=stage.stage,
        rewrite="hoist_invariants",
        reason=reason,
        span=stage.span,
    )
