"""Cadences: that what is to happen every so often happens at all."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from kitchen.compiler.checks.places import expression_span, place, places
from kitchen.compiler.checks.settled import settled
from kitchen.ir.diagnostic import Diagnostic, Severity
from kitchen.ir.expr import Apply, EvaluationError, Expr, Value, evaluate, refs
from kitchen.ir.fit import shown
from kitchen.ir.program import Branch, Loop, Map, Origin, Parameter, Program, Region, Stage
from kitchen.ir.spec import Registry
from kitchen.ir.walk import regions, walk

#: Rounds that are gone through to see whether a condition is ever true.
MOST = 5_000

Around = tuple[Loop | Map, ...]
Rounds = list[tuple[Loop | Map, Sequence[object]]]


def idle_cadences(program: Program, registry: Registry, original: Program) -> Iterator[Diagnostic]:
    """Warn of steps in a loop whose condition is false in each of its rounds."""
    written = {op.name: op for op in walk(original.body)}
    for op, around in _branches(program.body, ()):
        rounds = _rounds(op, around)
        if not (op.then.ops and rounds and _never(op.condition, rounds)):
            continue
        before = written.get(op.name, op)  # there the condition still names the parameters
        condition = before.condition if isinstance(before, Branch) else op.condition
        intervals = _intervals(condition, rounds, original)
        loops = [written.get(loop.name, loop) for loop, _ in rounds]
        bounds = [loop.over for loop in loops if isinstance(loop, Loop | Map) and loop.over]
        limits = [param for over in bounds for param in _read(over, original)]
        yield _idle(op, rounds, condition, intervals, limits)


def _branches(region: Region, around: Around) -> Iterator[tuple[Branch, Around]]:
    """The branches inside loops, each with the loops around it."""
    for op in region.ops:
        if isinstance(op, Branch) and around:
            yield op, around
        inside = (*around, op) if isinstance(op, Loop | Map) else around
        for inner in regions(op):
            yield from _branches(inner, inside)


def _rounds(op: Branch, around: Around) -> Rounds:
    """The loops that a condition follows, of which all items are known."""
    read = {ref.value for ref in refs(op.condition)}
    found: Rounds = []
    for loop in around:
        if loop.over is not None and loop.body.params[0] in read:
            items = _items(loop.over)
            if items is not None:
                found.append((loop, items))
    return found


def _items(over: Expr) -> Sequence[object] | None:
    known: dict[Value, object] = {}
    try:
        items = evaluate(over, known.__getitem__)
    except (EvaluationError, KeyError):  # no value, or one that only a run knows
        return None
    return items if isinstance(items, list | range) else None


def _never(condition: Expr, rounds: Rounds) -> bool:
    """Whether a condition is false whatever the loops are at; at most `MOST` rounds are tried."""
    if math.prod(len(items) for _, items in rounds) > MOST:
        return False
    variables = [loop.body.params[0] for loop, _ in rounds]
    return all(
        settled(condition, dict(zip(variables, at, strict=True))) is False
        for at in itertools.product(*(items for _, items in rounds))
    )


def _idle(
    op: Branch, rounds: Rounds, condition: Expr, intervals: list[Parameter], limits: list[Parameter]
) -> Diagnostic:
    first = op.then.ops[0]
    name = first.stage if isinstance(first, Stage) else first.name
    times = " and ".join(_all(loop.name, len(items)) for loop, items in rounds)
    told = sorted([*intervals, *limits], key=lambda param: param.origin is Origin.DEFAULT)
    labels = places(
        *(
            place(param.span or param.declared, f"`{param.value.name}` is {shown(param.setting)}")
            for param in told
        ),
        place(expression_span(condition, op.span), "never true"),
    )
    cures = [f"lower `{param.value.name}`" for param in intervals[:1]]
    cures += [f"raise `{param.value.name}`" for param in limits[:1]]
    return Diagnostic(
        "K404",
        f"`{name}` never runs: its condition is false in {times}",
        labels[0] if labels else None,
        labels[1:],
        ", or ".join(cures) or None,
        Severity.WARNING,
    )


def _intervals(condition: Expr, rounds: Rounds, program: Program) -> list[Parameter]:
    """The parameters that a condition holds against the variable of a loop."""
    variables = {loop.body.params[0] for loop, _ in rounds}
    return [
        param
        for part in _parts(condition)
        if any(ref.value in variables for ref in refs(part))
        for param in _read(part, program)
    ]


def _parts(condition: Expr) -> Iterator[Expr]:
    """The sides of an `and`, or the condition itself."""
    if isinstance(condition, Apply) and condition.op == "and":
        for arg in condition.args:
            yield from _parts(arg)
    else:
        yield condition


def _all(loop: str, count: int) -> str:
    return f"the one round of `{loop}`" if count == 1 else f"all {count} rounds of `{loop}`"


def _read(expr: Expr, program: Program) -> list[Parameter]:
    """The parameters an expression reads."""
    read = {ref.value for ref in refs(expr)}
    return [param for param in program.params if param.value in read]
