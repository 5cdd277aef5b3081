"""What several rewrites ask of a program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from kitchen.ir.expr import Apply, Const, EvaluationError, Expr, Get, Ref, Value, evaluate
from kitchen.ir.program import Program, Region, Removal, Stage
from kitchen.ir.spec import Effect, Registry, StageSpec
from kitchen.ir.types import Kind, Type
from kitchen.ir.walk import walk

_SMALL = 16


def rebuilt(
    program: Program, change: Callable[[Region], Region], removed: list[Removal]
) -> Program:
    """The program with each of its three regions changed, and what that removed on its record.

    `removed` is read after the changes were made: it may be filled by them.
    """
    new = [change(region) for region in sections(program)]
    same = all(fresh is old for fresh, old in zip(new, sections(program), strict=True))
    if same and not removed:
        return program
    return replace(
        program,
        body=new[0],
        on_failure=new[1],
        finally_=new[2],
        removed=program.removed + tuple(removed),
    )


def sections(program: Program) -> tuple[Region, Region, Region]:
    """The body, then the regions that run on failure and at the end."""
    return (program.body, program.on_failure, program.finally_)


def read_by_name(program: Program) -> frozenset[str]:
    """The names that `finally` and `on_failure` read of the body, whichever version there is.

    A value of such a name must go on being made where and when it was.
    """
    after = (program.on_failure, program.finally_)
    return frozenset(value.name for region in after for value in region.params)


def stands_for(value: Value, expr: Expr, by_name: frozenset[str]) -> bool:
    """Whether an expression may be put in the place of a value everywhere."""
    if value.name in by_name and not (isinstance(expr, Ref) and expr.value.name == value.name):
        return False
    return _size(expr, _SMALL) <= _SMALL


def _size(expr: Expr, limit: int) -> int:
    match expr:
        case Get(of=of):
            return 1 + _size(of, limit)
        case Apply(args=args):
            total = 1
            for arg in args:
                total += _size(arg, limit) if total <= limit else 0
            return total
    return 1


def content(expr: Expr) -> str:
    """An expression as text that tells apart what Python holds equal: 1, 1.0 and true."""
    match expr:
        case Const(value=value):
            return repr(value)
        case Ref(value=value):
            return str(value)
        case Get(of=of, name=name):
            return f"({content(of)}).{name}"
        case Apply(op=op, args=args):
            return f"{op}({', '.join(map(content, args))})"


def updated_types(program: Program, registry: Registry) -> frozenset[Type]:
    """The types of handles that some stage of the program updates."""
    mutable: dict[str, frozenset[str]] = {}
    found: set[Type] = set()
    for region in sections(program):
        for op in walk(region):
            if isinstance(op, Stage):
                names = mutable.get(op.stage)
                if names is None:
                    spec = registry.stages.get(op.stage)
                    names = frozenset(given.name for given in spec.mutated) if spec else frozenset()
                    mutable[op.stage] = names
                if names:
                    found.update(e.type.required for name, e in op.inputs if name in names)
    return frozenset(found)


def repeatable(op: Stage, spec: StageSpec | None, updated: frozenset[Type]) -> bool:
    """Whether one run of a stage may stand for several.

    It must be pure, and give nothing that is updated later: two sessions are not one.
    """
    if spec is None or spec.effect is not Effect.PURE or spec.mutated:
        return False
    return not any(out.type.kind is Kind.HANDLE and _holds(out.type, updated) for out in op.outputs)


def _holds(type_: Type, wanted: frozenset[Type]) -> bool:
    return type_ in wanted or any(_holds(part, wanted) for part in _parts(type_))


def _parts(type_: Type) -> Iterator[Type]:
    yield from type_.args
    for _, field in type_.fields:
        yield field


def length(over: Expr) -> int | None:
    """How many items a list or range has, if that is known; None if not."""
    match over:
        case Const(value=list() as items):
            return len(items)
        case Apply(op="range", args=args) if all(isinstance(arg, Const) for arg in args):
            try:
                found = evaluate(over, _unread)
            except EvaluationError:
                return None
            return _range_length(found) if isinstance(found, range) else None
    return None


def _range_length(found: range) -> int:
    """`len` refuses ranges beyond 64 bits."""
    return max(0, -((found.start - found.stop) // found.step))


def _unread(value: Value) -> object:
    raise AssertionError(f"{value} is read by a range of constants")
