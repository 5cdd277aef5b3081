"""Loops and maps: that they end, and that parallel items do not share what they update."""

from __future__ import annotations

from collections.abc import Iterator

from kitchen.compiler.checks.places import expression_span, ops, place, places
from kitchen.ir.diagnostic import Diagnostic, Label
from kitchen.ir.expr import Expr, Ref, Value
from kitchen.ir.program import Loop, Map, Program, Region, Stage
from kitchen.ir.spec import Registry
from kitchen.ir.walk import walk


def endless_loops(program: Program, registry: Registry) -> Iterator[Diagnostic]:
    """Report loops that nothing bounds."""
    for op in ops(program):
        if not isinstance(op, Loop) or op.over is not None or op.max is not None:
            continue
        yield Diagnostic(
            "K401",
            f"the loop `{op.name}` has no bound",
            place(op.span, "this may go on for ever"),
            places(
                _condition(op.while_, "this may always hold"),
                _condition(op.until, "this may never hold"),
            ),
            "add `max:`, the number of iterations after which it ends in any case",
        )


def _condition(expr: Expr | None, text: str) -> Label | None:
    return None if expr is None else place(expression_span(expr), text)


def shared_updates(program: Program, registry: Registry) -> Iterator[Diagnostic]:
    """Report stages in a map that update a handle which all items of the map share."""
    told: set[str] = set()  # a map may stand in a map
    for op in ops(program):
        for stage, value in _shared(op, registry) if isinstance(op, Map) else ():
            if stage.name in told:
                continue
            told.add(stage.name)
            yield Diagnostic(
                "K402",
                f"`{stage.stage}` updates `{value.name}`, which all items of the map share",
                place(stage.span, f"`{value.name}` is updated here"),
                places(place(op.span, "the items of this map run at the same time")),
                "use `loop:`, which runs one item after the other, or make one for each item",
            )


def left_by_shared_updates(program: Program, registry: Registry) -> frozenset[Value]:
    """What comes out of a map for a handle that its items share; it is at fault already."""
    return frozenset(
        output
        for op in ops(program)
        if isinstance(op, Map)
        for _, value in _shared(op, registry)
        for output in op.outputs
        if output.name == value.name
    )


def _shared(op: Map, registry: Registry) -> Iterator[tuple[Stage, Value]]:
    """The stages in a map that update a handle from outside, each with that handle."""
    own = set(_defined(op.body))
    entered: dict[Value, Expr] = {}
    for inner in walk(op.body):
        if isinstance(inner, Loop):
            carried = inner.body.params[len(inner.body.params) - len(inner.carry) :]
            entered |= zip(carried, inner.carry, strict=True)
        spec = registry.stages.get(inner.stage) if isinstance(inner, Stage) else None
        if not isinstance(inner, Stage) or spec is None:
            continue
        given = dict(inner.inputs)
        for wanted in spec.mutated:
            expr = given.get(wanted.name)
            while isinstance(expr, Ref) and expr.value in entered:
                expr = entered[expr.value]
            if isinstance(expr, Ref) and expr.value not in own:
                yield inner, expr.value


def _defined(region: Region) -> Iterator[Value]:
    """Every value that comes into being in a region; what loops in it carry comes from outside."""
    yield from region.params
    for op in walk(region):
        if isinstance(op, Map) or (isinstance(op, Loop) and op.over is not None):
            yield op.body.params[0]
        yield from op.outputs
