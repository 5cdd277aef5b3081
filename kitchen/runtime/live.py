"""What the rest of a run depends on, at a position in it: read off the program alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kitchen.ir.expr import Expr, Ref, Value, refs
from kitchen.ir.program import Branch, Loop, Program, Region, Stage
from kitchen.ir.spec import StageSpec
from kitchen.ir.walk import exprs, uses, walk
from kitchen.runtime.position import DONE, Position


def live_values(region: Region, position: Position) -> set[Value]:
    """The values made before a position that are read after it.

    Loop variables are left out: a resumed loop takes its item from what it goes over.
    """
    frame, deeper = position[0], position[1:]
    index = next(i for i, op in enumerate(region.ops) if op.name == frame.op)
    op = region.ops[index]
    rest = region.ops[index + 1 :]
    live = _reads(uses(*rest)) | _reads(ref for result in region.results for ref in refs(result))
    live -= {value for later in walk(Region(ops=rest)) for value in _makes(later)}
    if frame.number == DONE:
        return live
    if isinstance(op, Branch):
        arm = (op.then, op.orelse)[frame.number]
        return live | live_values(arm, deeper)
    assert isinstance(op, Loop)
    own = _reads(ref for expr in exprs(op) for ref in refs(expr))
    own -= _reads(ref for expr in op.carry for ref in refs(expr))
    made = {value for inner in walk(op.body) for value in _makes(inner)}
    again = (own | _reads(uses(op.body))) - made - {op.body.params[0]}
    if not deeper:
        return live | again
    inside = (live_values(op.body, deeper) | own) - {op.body.params[0]}
    return live | (again - set(op.body.params)) | inside


def _makes(op: object) -> tuple[Value, ...]:
    match op:
        case Loop():
            return op.outputs + op.body.params
        case Stage() | Branch():
            return op.outputs
    return getattr(op, "outputs", ())


def _reads(found: Iterable[Ref]) -> set[Value]:
    return {ref.value for ref in found}


def origins(
    program: Program, spec_of: Callable[[Stage], StageSpec]
) -> dict[Value, tuple[Stage, int]]:
    """For each value, the stage that made it and which output it was.

    A handle keeps its origin through updates, loops and branches, since it stays the same object.
    """
    found: dict[Value, tuple[Stage, int]] = {}
    same: dict[Value, Expr] = {}
    for op in walk(program.body):
        match op:
            case Stage():
                spec = spec_of(op)
                given = dict(op.inputs)
                found.update((value, (op, i)) for i, value in enumerate(op.outputs))
                updated = op.outputs[len(spec.outputs) :]
                for value, wanted in zip(updated, spec.mutated, strict=True):
                    same[value] = given[wanted.name]
            case Loop():
                same.update(zip(op.body.params[1:], op.carry, strict=True))
                same.update(zip(op.outputs, op.carry, strict=True))
            case Branch():
                for value, then, orelse in zip(
                    op.outputs, op.then.results, op.orelse.results, strict=True
                ):
                    same[value] = then if isinstance(then, Ref) else orelse
    for value in same:
        last: Expr = Ref(value)
        while isinstance(last, Ref) and last.value in same:
            last = same[last.value]
        if isinstance(last, Ref) and last.value in found:
            found[value] = found[last.value]
    return found
