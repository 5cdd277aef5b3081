"""Cadences: that what is to happen every so often happens at all."""

from __future__ import annotations

from collections.abc import Iterator

from kitchen.compiler.checks.places import expression_span, place, places
from kitchen.compiler.counts import NEVER, count
from kitchen.ir.diagnostic import Diagnostic, Severity
from kitchen.ir.expr import Expr, refs
from kitchen.ir.fit import shown
from kitchen.ir.program import Branch, Loop, Map, Origin, Parameter, Program, Region, Stage
from kitchen.ir.spec import Registry
from kitchen.ir.walk import regions, walk

Around = tuple[Loop | Map, ...]


def idle_cadences(program: Program, registry: Registry, original: Program) -> Iterator[Diagnostic]:
    """Warn of steps in a loop whose condition is false in each of its iterations."""
    guarded = [(op, around) for op, around in _branches(program.body, ()) if op.then.ops]
    if not guarded:
        return
    counts = count(program)
    written = {op.name: op for op in walk(original.body)}
    for op, around in guarded:
        if counts[op.name].times == NEVER or counts[op.then.ops[0].name].times != NEVER:
            continue
        before, loops = written.get(op.name, op), [loop for loop in around if _steers(loop, op)]
        rounds = {loop.name: str(counts[loop.name].trips) for loop in loops}
        outer = [written.get(loop.name, loop) for loop in loops]
        assert isinstance(before, Branch)
        yield _idle(before, [o for o in outer if isinstance(o, Loop | Map)], rounds, original)


def _branches(region: Region, around: Around) -> Iterator[tuple[Branch, Around]]:
    """The branches inside loops, each with the loops around it."""
    for op in region.ops:
        if isinstance(op, Branch) and around:
            yield op, around
        inside = (*around, op) if isinstance(op, Loop | Map) else around
        for inner in regions(op):
            yield from _branches(inner, inside)


def _steers(loop: Loop | Map, op: Branch) -> bool:
    """Whether a condition follows the variable of a loop."""
    counts = isinstance(loop, Map) or loop.over is not None
    return counts and any(ref.value == loop.body.params[0] for ref in refs(op.condition))


def _idle(
    op: Branch, loops: list[Loop | Map], rounds: dict[str, str], program: Program
) -> Diagnostic:
    first = op.then.ops[0]
    step = first.stage if isinstance(first, Stage) else first.name
    interval = _read(op.condition, program)
    limits = [param for loop in loops if loop.over for param in _read(loop.over, program)]
    times = " and ".join(_rounds(name, count) for name, count in rounds.items())
    told = [
        place(param.span or param.declared, f"`{param.value.name}` is {shown(param.setting)}")
        for param in sorted(interval + limits, key=lambda param: param.origin is Origin.DEFAULT)
    ]
    here = place(expression_span(op.condition, op.span), "never true")
    labels = places(*told, here)
    lower = " or ".join(f"lower `{param.value.name}`" for param in interval[:1])
    higher = " or ".join(f"raise `{param.value.name}`" for param in limits[:1])
    return Diagnostic(
        "K404",
        f"`{step}` never runs: its condition is false in {times or 'all rounds'}",
        labels[0] if labels else None,
        labels[1:],
        ", or ".join(part for part in (lower, higher) if part) or None,
        Severity.WARNING,
    )


def _rounds(loop: str, count: str) -> str:
    return f"the one round of `{loop}`" if count == "1" else f"all {count} rounds of `{loop}`"


def _read(expr: Expr, program: Program) -> list[Parameter]:
    """The parameters an expression reads."""
    read = {ref.value for ref in refs(expr)}
    return [param for param in program.params if param.value in read]
