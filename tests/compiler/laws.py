"""The laws of rewrites, as functions that say how a rewrite breaks one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kitchen.compiler.rewrites import Rewrite
from kitchen.ir.expr import EvaluationError, Expr
from kitchen.ir.program import Op, Program, Removal
from kitchen.ir.verify import verify
from kitchen.ir.walk import exprs, walk
from kitchen.runtime.calls import Environment, StageError
from kitchen.runtime.endings import run_ending
from kitchen.runtime.interpreter import Interpreter
from kitchen.runtime.ports import Workspace
from kitchen.runtime.world import World
from tests.compiler.reference import opened, outcome
from tests.compiler.toy_stages import FUNCTIONS, REGISTRY, Lines


def valid(program: Program, rewrite: Rewrite) -> list[str]:
    """What comes out obeys the rules that every program obeys."""
    return verify(rewrite(program, REGISTRY), REGISTRY)


def faithful(program: Program, rewrite: Rewrite) -> list[str]:
    """A run that succeeded writes the same, in the same order. (One that failed need not fail.)"""
    before, fault = outcome(program)
    if fault is not None:
        return []
    after, fault = outcome(rewrite(program, REGISTRY))
    if fault is not None:
        return [f"fails: {fault}"]
    return [] if before == after else [f"writes {after}, not {before}"]


def settled(program: Program, rewrite: Rewrite) -> list[str]:
    """A second time changes nothing, and finds nothing to remove."""
    once = rewrite(program, REGISTRY)
    twice = rewrite(once, REGISTRY)
    if once != twice:
        return ["changes its own result"]
    return [f"removes {r.op} again" for r in twice.removed[len(once.removed) :]]


def located(program: Program, rewrite: Rewrite) -> list[str]:
    """Every op and expression has the place it had; what is removed is told with its place."""
    after = rewrite(program, REGISTRY)
    before = {op.name: op for op in _ops(program)}
    faults = [fault for op in _ops(after) for fault in _moved(op, before.get(op.name))]
    known = {op.name: op.span for op in before.values()}
    new: tuple[Removal, ...] = after.removed[len(program.removed) :]
    faults += [f"{r.op} is removed without its place" for r in new if r.span != known.get(r.op)]
    faults += [f"{r.op} is removed without a reason" for r in new if not r.reason.strip()]
    gone = {name for name in known if name not in {op.name for op in _ops(after)}}
    told = {r.op for r in new} | _inside(before, {r.op for r in new})
    stages = {name for name in gone if not hasattr(before[name], "condition")}
    return faults + [f"{name} is gone without a word" for name in sorted(stages - told)]


def closed(program: Program, rewrite: Rewrite) -> list[str]:
    """A handle that is still opened is still closed, if it was."""
    before, fault = opened(program)
    if fault is not None:
        return []
    after, _ = opened(rewrite(program, REGISTRY))
    return [
        f"{name} is left open"
        for name, cells in after.items()
        if [cell.closed for cell in before[name]] > [cell.closed for cell in cells]
    ]


LAWS = (valid, faithful, settled, located, closed)


def interpreted(program: Program) -> tuple[list[str], str | None]:
    """What the interpreter writes when it runs a program to its end, or what goes wrong in it."""
    lines = Lines()
    world = World(
        functions=FUNCTIONS,
        ports={"journal": lines},
        workspace=Workspace(base=Path(), cache=Path()),
    )
    environment: Environment = {p.value: p.setting for p in program.params}
    try:
        Interpreter(world).run(program.body, environment)
    except (StageError, EvaluationError) as fault:
        return lines.written, str(fault)
    run_ending(program.finally_, world, environment)
    return lines.written, None


def _ops(program: Program) -> Iterator[Op]:
    for region in (program.body, program.on_failure, program.finally_):
        yield from walk(region)


def _moved(op: Op, origin: Op | None) -> Iterator[str]:
    if origin is None:
        yield f"{op.name} is new"
    elif op.span != origin.span:
        yield f"{op.name} has lost its place"
    elif len(exprs(op)) == len(exprs(origin)):
        for new, old in zip(exprs(op), exprs(origin), strict=True):
            if _span(old) is not None and _span(new) is None:
                yield f"an expression of {op.name} has lost its place"


def _span(expr: Expr) -> object:
    return expr.span


def _inside(ops: dict[str, Op], removed: set[str]) -> set[str]:
    """The ops inside of those that were removed as a whole."""
    bodies = [ops[name].body for name in removed if hasattr(ops.get(name), "body")]
    return {op.name for body in bodies for op in walk(body)}
