"""Steps that nothing depends on."""

from __future__ import annotations

from dataclasses import replace

from kitchen.compiler.rewrites.facts import rebuilt
from kitchen.compiler.rewrites.liveness import Liveness
from kitchen.compiler.rewrites.outputs import narrowed
from kitchen.compiler.rewrites.reasons import listed, removal
from kitchen.ir.expr import Expr, Ref, map_refs
from kitchen.ir.program import Loop, Map, Op, Program, Region, Removal, Stage
from kitchen.ir.spec import Registry
from kitchen.ir.walk import map_exprs, regions, with_regions


def eliminate_dead(program: Program, registry: Registry) -> Program:
    """Remove what neither writes nor is read, directly or not, by something that writes.

    before                                   after
      %x: Int = twice(n=2)
      %y: Int = twice(n=3)                     %y: Int = twice(n=3)
      report(value=%y)                         report(value=%y)

    A loop keeps of its carried values those that something needs. A stage that closes a handle is
    needed if what opened it is: it then closes the version that is left.
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
            return self._closing(op)
        small = narrowed(op, [output in self.live.values for output in op.outputs])
        return with_regions(small, tuple(self._region(each) for each in regions(small)))

    def _closing(self, op: Stage) -> Stage:
        """A stage that closes a handle, given the version that is left of it."""
        instead = {
            old: new
            for old, new in self.live.instead.get(id(op), {}).items()
            if new is not None and new != old
        }
        if not instead:
            return op

        def left(ref: Ref) -> Expr:
            return Ref(instead.get(ref.value, ref.value), ref.span)

        changed = map_exprs(op, lambda expr: map_refs(expr, left))
        assert isinstance(changed, Stage)
        return changed

    def _region(self, region: Region) -> Region:
        ops = self._ops(region.ops)
        return region if ops is region.ops else replace(region, ops=ops)

    def _reason(self, op: Op) -> str:
        if isinstance(op, Loop | Map):
            return "it writes nothing, and nothing reads what it makes"
        spec = self.registry.stages.get(op.stage) if isinstance(op, Stage) else None
        if spec is not None and spec.closed:
            return f"{listed(out.name for out in op.outputs)} is not in use"
        if not op.outputs:
            return "it writes nothing and gives nothing"
        names = listed(out.name for out in op.outputs)
        if self.live.read.isdisjoint(op.outputs):
            return f"nothing reads {names}"
        return f"only steps that were removed read {names}"
