"""`finally` and `on_failure`: what runs at the end, with what there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kitchen.ir.expr import Value
from kitchen.ir.program import Op, Region, Stage
from kitchen.ir.walk import regions, uses, walk
from kitchen.runtime.calls import CLOSED, Environment, StageError
from kitchen.runtime.checkpoint import latest_version
from kitchen.runtime.events import StageSkipped
from kitchen.runtime.interpreter import Interpreter
from kitchen.runtime.values import Record
from kitchen.runtime.world import World


@dataclass(frozen=True, slots=True)
class Failure(Record):
    """What `on_failure` may read: the step that failed, and what it said."""

    stage: str
    message: str


def run_ending(
    region: Region, world: World, environment: Environment, failure: StageError | None = None
) -> None:
    """Run an ending. A name in it stands for the latest version made; a step whose input was never
    made is skipped, and one whose handle is closed already has nothing to do. After a failure, one
    in here is a note on that one and hides nothing.
    """
    for param in region.params:
        latest = latest_version(param.name, environment)
        if latest is not None:
            environment[param] = environment[latest]
    if failure is not None:
        told = Failure(failure.op.name, str(failure.cause))
        reads = (ref.value for ref in uses(region))
        environment.update({value: told for value in reads if value.name == "failure"})
    for op in region.ops:
        if any(environment.get(ref.value) is CLOSED for ref in uses(op)):
            continue
        missing = _missing(op, environment)
        if missing is not None:
            for stage in walk(Region(ops=(op,))):
                if isinstance(stage, Stage):
                    world.emit(StageSkipped(stage, f"`{missing}` was never made"))
            continue
        try:
            Interpreter(world).run(Region(ops=(op,)), environment)
        except StageError as second:
            if failure is None:
                raise
            failure.add_note(f"and then `{second.op.name}` failed: {second.cause}")


def _missing(op: Op, environment: Environment) -> str | None:
    """The first name that an op reads which stands for nothing."""
    made = set(_made_in(op))
    for ref in uses(op):
        if ref.value not in environment and ref.value not in made:
            return ref.value.name
    return None


def _made_in(op: Op) -> Iterator[Value]:
    for inner in walk(Region(ops=(op,))):
        yield from inner.outputs
        for region in regions(inner):
            yield from region.params
