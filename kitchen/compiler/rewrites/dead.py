"""Steps that nothing depends on."""

from __future__ import annotations

from dataclasses import replace

from kitchen.compiler.rewrites.facts import rebuilt
from kitchen.compiler.rewrites.liveness import Liveness
from kitchen.compiler.rewrites.outputs import narrowed
from kitchen.compiler.rewrites.reasons import listed, removal
from kitchen.ir.program import Loop, Map, Op, Program, Region, Removal, Stage
from kitchen.ir.spec import Registry
from kitchen.ir.walk import regions, with_regions


def eliminate_dead(program: Program, registry: Registry) -> Program:
    """Remove what neither writes nor is read, directly or not, by something that writes.

    before                                   after
      %x: Int = twice(n=2)
      %y: Int = twice(n=3)                     %y: Int = twice(n=3)
      report(value=%y)                         report(value=%y)

    A loop keeps of its carried values those that something needs. A stage that only ends a handle
    (it writes nothing and gives nothing new) is needed if the handle is.
    """
    sweeping = _Sweeping(program, registry)
    return rebuilt(program, sweeping.section, sweeping.removed)


class _Sweeping:
    """Takes out what is not live, and says why."""

    def __init__(self, program: Program, registry: Registry) -> None:
        self.live = Liveness(program, registry)
        self.registry = registry
        self.removed: list[Removal] = []

    def section(self, region: Region) -> Region:
        """The body, or a region that runs after it: that one reads by name what is still needed."""
        live = (self.live.values, self.live.ended)
        params = tuple(param for param in region.params if any(param in each for each in live))
        swept = self._region(region)
        return swept if params == region.params else replace(swept, params=params)

    def _ops(self, ops: tuple[Op, ...]) -> tuple[Op, ...]:
        kept: list[Op] = []
        for op in ops:
            if id(op) in self.live.ops:
                kept.append(self._shrunk(op))
            else:
                self.removed.extend(removal(op, "eliminate_dead", self._reason(op)))
        same = len(kept) == len(ops) and all(new is old for new, old in zip(kept, ops, strict=True))
        return ops if same else tuple(kept)

    def _shrunk(self, op: Op) -> Op:
        """A live op without the outputs that nothing needs, and without dead ops inside."""
        if isinstance(op, Stage):
            return op
        small = narrowed(op, [output in self.live.values for output in op.outputs])
        return with_regions(small, tuple(self._region(each) for each in regions(small)))

    def _region(self, region: Region) -> Region:
        ops = self._ops(region.ops)
        return region if ops is region.ops else replace(region, ops=ops)

    def _reason(self, op: Op) -> str:
        if isinstance(op, Loop | Map):
            return "it writes nothing, and nothing reads what it makes"
        spec = self.registry.stages.get(op.stage) if isinstance(op, Stage) else None
        if spec is not None and spec.mutated and not spec.outputs:
            return f"{listed(out.name for out in op.outputs)} is not in use"
        if not op.outputs:
            return "it writes nothing and gives nothing"
        names = listed(out.name for out in op.outputs)
        if self.live.read.isdisjoint(op.outputs):
            return f"nothing reads {names}"
        return f"only steps that were removed read {names}"
