"""Where in a program a step of an ending belongs: beside what opened the handle that it closes."""

from __future__ import annotations

from kitchen.compiler.partition.handles import is_handle, made_inside, reads_of
from kitchen.ir.expr import Value
from kitchen.ir.program import Branch, Op, Program, Region, Stage
from kitchen.ir.spec import Effect, Registry

Arm = tuple[str, str]  #: the name of a branch, and `then` or `else`


def arms_of_endings(program: Program, registry: Registry) -> dict[str, Arm]:
    """The steps of endings that only need handles made in one arm of a branch, and that arm."""
    found: dict[str, Arm] = {}
    for region in (program.on_failure, program.finally_):
        read = {value for op in region.ops for value in reads_of(op)}
        for op in region.ops:
            given = reads_of(op)
            alone = all(is_handle(value) and value in region.params for value in given)
            if given and alone and read.isdisjoint(op.outputs) and _is_quiet(op, registry):
                arm = _innermost({value.name for value in given}, program.body)
                if arm is not None:
                    found[op.name] = arm
    return found


def _is_quiet(op: Op, registry: Registry) -> bool:
    return isinstance(op, Stage) and registry.stages[op.stage].effect is not Effect.WRITES


def _innermost(names: set[str], region: Region) -> Arm | None:
    """The arm of a branch, as deep as can be, in which all handles of these names are made."""
    found: Arm | None = None
    while True:
        makers = [op for op in region.ops if _makes(op, names)]
        match makers:
            case [Branch() as op] if not any(value.name in names for value in op.outputs):
                sides = [
                    (side, arm)
                    for side, arm in (("then", op.then), ("else", op.orelse))
                    if any(_makes(inner, names) for inner in arm.ops)
                ]
                if len(sides) != 1:
                    return found
                found, region = (op.name, sides[0][0]), sides[0][1]
            case _:
                return found


def _makes(op: Op, names: set[str]) -> bool:
    made: set[Value] = {*op.outputs, *made_inside(op)}
    return any(value.name in names and is_handle(value) for value in made)
