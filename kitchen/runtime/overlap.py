"""Which steps of a program wait for which: what may run beside what."""

from __future__ import annotations

from collections.abc import Callable

from kitchen.ir.expr import Value
from kitchen.ir.program import Op, Region, Stage
from kitchen.ir.spec import Effect, StageSpec
from kitchen.ir.types import Kind
from kitchen.ir.walk import uses, walk

SpecOf = Callable[[Stage], StageSpec]


def stages_of(op: Op) -> list[Stage]:
    """The stages an op may call."""
    return [inner for inner in walk(Region(ops=(op,))) if isinstance(inner, Stage)]


def waits_for(ops: tuple[Op, ...], spec_of: SpecOf) -> list[set[int]]:
    """For each op, the earlier ones that must be done before it starts.

    They made what it reads, share a port or a handle with it, or write to the world as it does.
    """
    waits: list[set[int]] = []
    made_by: dict[Value, int] = {}
    last_with: dict[object, int] = {}
    for index, op in enumerate(ops):
        before = {made_by[ref.value] for ref in uses(op) if ref.value in made_by}
        for shared in _shares(op, spec_of):
            if shared in last_with:
                before.add(last_with[shared])
            last_with[shared] = index
        waits.append(before)
        made_by.update(dict.fromkeys(op.outputs, index))
    return waits


def _shares(op: Op, spec_of: SpecOf) -> set[object]:
    """What two ops must not use at the same time: ports, handles, the world."""
    shared: set[object] = set()
    for stage in stages_of(op):
        spec = spec_of(stage)
        shared.update(use.port for use in spec.ports)
        if spec.effect is Effect.WRITES:
            shared.add(Effect.WRITES)
    shared.update(ref.value for ref in uses(op) if ref.value.type.required.kind is Kind.HANDLE)
    return shared
