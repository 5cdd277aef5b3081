"""Stages that compute what an earlier one already has."""

from __future__ import annotations

from dataclasses import replace

from kitchen.compiler.rewrites.algebra import propagate
from kitchen.compiler.rewrites.facts import (
    content,
    read_by_name,
    rebuilt,
    repeatable,
    updated_types,
)
from kitchen.compiler.rewrites.outputs import agreed, narrowed
from kitchen.compiler.rewrites.reasons import place
from kitchen.ir.expr import Expr, Ref, Value
from kitchen.ir.program import NO_ANNOTATIONS, Branch, Loop, Op, Program, Region, Removal, Stage
from kitchen.ir.spec import Registry
from kitchen.ir.walk import map_exprs, regions, with_regions

Key = tuple[object, ...]


def merge_duplicates(program: Program, registry: Registry) -> Program:
    """Keep the first of several pure stages that have the same inputs and settings.

    before                                   after
      %x: Int = twice(n=2)                     %x: Int = twice(n=2)
      %y: Int = twice(n=2)
      report(value=%y)                         report(value=%x)

    The first must be in sight of the others: what is made on one path is not there on the next.
    """
    merging = _Merging(program, registry)
    return rebuilt(program, merging.region, merging.removed)


class _Merging:
    """Goes through a program in order with the stages that are in sight."""

    def __init__(self, program: Program, registry: Registry) -> None:
        self.registry = registry
        self.by_name = read_by_name(program)
        self.updated = updated_types(program, registry)
        self.seen: dict[Key, Stage] = {}
        self.known: dict[Value, Expr] = {}
        self.removed: list[Removal] = []

    def region(self, region: Region) -> Region:
        """A region without its duplicates; what it made is out of sight after it."""
        entered: list[Key] = []
        ops: list[Op] = []
        for op in region.ops:
            new = self._op(op, entered)
            if new is not None:
                ops.append(new)
        for key in entered:
            del self.seen[key]
        results = tuple(map(self._expr, region.results)) if self.known else region.results
        same = len(ops) == len(region.ops) and all(
            new is old for new, old in zip(ops, region.ops, strict=True)
        )
        if same and all(new is old for new, old in zip(results, region.results, strict=True)):
            return region
        return replace(region, ops=tuple(ops), results=results)

    def _op(self, op: Op, entered: list[Key]) -> Op | None:
        if self.known:
            op = map_exprs(op, self._expr)
        if isinstance(op, Stage):
            return self._stage(op, entered)
        op = with_regions(op, tuple(map(self.region, regions(op))))
        if isinstance(op, Branch):
            same = dict(agreed(op, self.by_name))
            self.known.update(same)
            return narrowed(op, [output not in same for output in op.outputs])
        if isinstance(op, Loop) and op.until is not None and self.known:
            return map_exprs(op, self._expr)
        return op

    def _stage(self, op: Stage, entered: list[Key]) -> Stage | None:
        if not repeatable(op, self.registry.stages.get(op.stage), self.updated):
            return op
        key = _key(op)
        first = self.seen.setdefault(key, op)
        if first is op:
            entered.append(key)
            return op
        types = [out.type for out in op.outputs]
        if types != [out.type for out in first.outputs] or any(
            out.name in self.by_name for out in op.outputs
        ):
            return op
        pairs = zip(op.outputs, first.outputs, strict=True)
        self.known.update((out, Ref(value)) for out, value in pairs)
        self.removed.append(_record(op, first))
        return None

    def _expr(self, expr: Expr) -> Expr:
        return propagate(expr, self.known)


def _key(op: Stage) -> Key:
    """What makes two stages the same: all but the names of their outputs."""
    given = sorted([(name, content(expr)) for name, expr in op.inputs])
    config = sorted([(name, content(expr)) for name, expr in op.config])
    notes = None if op.annotations == NO_ANNOTATIONS else op.annotations
    return (op.stage, tuple(given), tuple(config), notes)


def _record(op: Stage, first: Stage) -> Removal:
    name = first.outputs[0].name if first.outputs else first.name
    return Removal(
        op=op.name,
        stage=op.stage,
        rewrite="merge_duplicates",
        reason=f"same as `{name}`{place(first.span, op.span)}",
        span=op.span,
    )
