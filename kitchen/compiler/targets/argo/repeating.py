"""Maps and loops as calls: for each place, one place after the other, or again until it ends.

A loop that ends when its items do is a list of places, taken in order. One with `until` calls
itself: each iteration is one level deeper, of which Argo allows 100.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitchen.compiler.targets.argo.calls import AT, ITEM, Call, Callee, Json, Over, Term, spelled
from kitchen.compiler.targets.argo.decisions import UNROLLED, Decision, is_open
from kitchen.compiler.targets.names import dns_names
from kitchen.ir.task_graph import Group

if TYPE_CHECKING:
    from kitchen.compiler.targets.argo.lowering import Level

EACH = "each place"
PLACES = "{{inputs.parameters.places}}"

Waits = tuple[Term, ...]


def map_call(level: Level, group: Group, decision: Decision, waits: Waits) -> Call:
    """A call for each place, all at once or so many at a time."""
    limit = level.decisions.parallel(group)
    if limit is not None:
        return _limited(level, group, decision, waits, limit)
    callee = level.lowering.callee(group.graphs[0], f"{group.name} body", level.depth + 1)
    if decision.known is None:
        return callee.call(group.name, waits=waits, at=ITEM, over=Over(level.told(decision, 0)))
    over = Over(count=int(decision.known))
    return callee.call(group.name, waits=waits, at=level.within(ITEM), over=over)


def loop_call(level: Level, group: Group, decision: Decision, waits: Waits) -> Call:
    """One call, of a template that goes through the iterations."""
    if is_open(group):
        return _open(level, group, decision, waits)
    if decision.known is not None and decision.known <= UNROLLED:
        return _unrolled(level, group, int(decision.known), waits)
    return _limited(level, group, decision, waits, 1)


def _open(level: Level, group: Group, decision: Decision, waits: Waits) -> Call:
    """The first iteration, which calls the next one."""
    level.lowering.graph(group.name, group.graphs[0], level.depth + 1, group)
    callee = Callee(level.lowering.names[group.name])
    if decision.known is not None:
        return callee.call(group.name, waits=waits, at=level.within("0"))
    at, when = level.told(decision, 1), f"{level.told(decision, 0)} == true"
    return callee.call(group.name, waits=waits, at=at, when=when)


def _unrolled(level: Level, group: Group, count: int, waits: Waits) -> Call:
    """A template with one iteration after the other, each waiting for the one before."""
    first = len(level.lowering.templates)
    callee = level.lowering.callee(group.graphs[0], f"{group.name} body", level.depth + 1)
    names = {str(index): f"iteration-{index}" for index in range(count)}
    tasks = [
        spelled(
            callee.call(
                str(index),
                waits=(Term(str(index - 1)),) if index else (),
                at=level.within(str(index)),
                named=True,
            ),
            names,
        )
        for index in range(count)
    ]
    return _own(level, group, tasks, first, waits)


def _limited(level: Level, group: Group, decision: Decision, waits: Waits, limit: int) -> Call:
    """A template of its own for what may only run so many at a time, with the list of its places.

    With a limit of one, and stopping at the first failure, the places are taken in their order.
    """
    first = len(level.lowering.templates)
    callee = level.lowering.callee(group.graphs[0], f"{group.name} body", level.depth + 1)
    known = decision.known is not None
    over = Over(count=int(decision.known or 0)) if known else Over(PLACES)
    call = callee.call(EACH, at=level.within(ITEM) if known else ITEM, over=over)
    tasks = [spelled(call, dns_names([call.name]))]
    limits: Json = {"parallelism": limit, "failFast": True} if limit == 1 else {
        "parallelism": limit
    }  # fmt: skip
    if known:
        return _own(level, group, tasks, first, waits, **limits)
    template = level.lowering.dag(group.name, tasks, ("places",), limits)
    level.lowering.templates.insert(first, template)
    return Call(
        name=group.name,
        template=level.lowering.names[group.name],
        arguments=(("places", level.told(decision, 0)),),
        waits=waits,
        when=f"{level.told(decision, 1)} == true",
    )


def _own(
    level: Level, group: Group, tasks: list[Json], at: int, waits: Waits, **limits: object
) -> Call:
    """A call of a template of a group's own, which is given the place that it is at."""
    takes = ("at",) if level.depth else ()
    level.lowering.templates.insert(at, level.lowering.dag(group.name, tasks, takes, limits))
    callee = Callee(level.lowering.names[group.name])
    return callee.call(group.name, waits=waits, at=AT if level.depth else "")
