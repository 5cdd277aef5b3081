"""The four functions that do all recursion over programs: walk, uses, substitute, transform."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from kitchen.ir.expr import Const, Expr, Ref, Value, map_refs, refs
from kitchen.ir.program import Branch, Loop, Map, Op, Region, Stage


def regions(op: Op) -> tuple[Region, ...]:
    """The regions inside an op."""
    match op:
        case Stage():
            return ()
        case Branch():
            return (op.then, op.orelse)
        case _:
            return (op.body,)


def with_regions(op: Op, new: tuple[Region, ...]) -> Op:
    """The same op around other regions; the same object where none changed."""
    if all(fresh is old for fresh, old in zip(new, regions(op), strict=True)):
        return op
    match op:
        case Branch():
            return replace(op, then=new[0], orelse=new[1])
        case Loop() | Map():
            return replace(op, body=new[0])
    return op


def exprs(op: Op) -> tuple[Expr, ...]:
    """The expressions an op itself computes, those of its regions' ops left out."""
    match op:
        case Stage():
            return tuple(e for _, e in op.inputs) + tuple(e for _, e in op.config)
        case Loop():
            parts = (op.over, op.while_, op.until, op.max, op.checkpoint)
            return tuple(e for e in parts if e is not None) + op.carry
        case Map():
            return (op.over,) if op.max_parallel is None else (op.over, op.max_parallel)
        case Branch():
            return (op.condition,)


def map_exprs(op: Op, change: Callable[[Expr], Expr]) -> Op:
    """The same op with each of its own expressions changed; the same object where none was."""

    def maybe(expr: Expr | None) -> Expr | None:
        return None if expr is None else change(expr)

    match op:
        case Stage():
            inputs, config = _map_pairs(op.inputs, change), _map_pairs(op.config, change)
            if inputs is op.inputs and config is op.config:
                return op
            # Spelled out: `replace` costs three times as much, and this is done for every stage.
            return Stage(
                name=op.name,
                stage=op.stage,
                inputs=inputs,
                config=config,
                outputs=op.outputs,
                annotations=op.annotations,
                span=op.span,
            )
        case Loop():
            new: Op = replace(
                op,
                over=maybe(op.over),
                while_=maybe(op.while_),
                until=maybe(op.until),
                max=maybe(op.max),
                checkpoint=maybe(op.checkpoint),
                carry=tuple(map(change, op.carry)),
            )
        case Map():
            new = replace(op, over=change(op.over), max_parallel=maybe(op.max_parallel))
        case Branch():
            new = replace(op, condition=change(op.condition))
    same = all(fresh is old for fresh, old in zip(exprs(new), exprs(op), strict=True))
    return op if same else new


def _map_pairs(
    items: tuple[tuple[str, Expr], ...], change: Callable[[Expr], Expr]
) -> tuple[tuple[str, Expr], ...]:
    new = [pair if (fresh := change(pair[1])) is pair[1] else (pair[0], fresh) for pair in items]
    return items if all(map(operator.is_, new, items)) else tuple(new)


def walk(region: Region) -> Iterator[Op]:
    """Every op of a region and of the regions inside it, in program order."""
    for op in region.ops:
        yield op
        for inner in regions(op):
            yield from walk(inner)


def uses(*items: Op | Region) -> Iterator[Ref]:
    """Every read of a value in ops and regions, at any depth, in program order."""
    for item in items:
        if isinstance(item, Region):
            yield from uses(*item.ops)
            for result in item.results:
                yield from refs(result)
            continue
        for expr in exprs(item):
            yield from refs(expr)
        yield from uses(*regions(item))


def substitute(region: Region, known: Mapping[Value, Expr]) -> Region:
    """Put expressions in the place of values, at any depth. Spans of the reads are kept."""
    if not known:
        return region

    def read(ref: Ref) -> Expr:
        found = known.get(ref.value)
        if found is None:
            return ref
        return replace(found, span=ref.span) if isinstance(found, (Const, Ref)) else found

    return transform(region, lambda op: (op,), lambda expr: map_refs(expr, read))


def transform(
    region: Region,
    fn: Callable[[Op], Iterable[Op]],
    change: Callable[[Expr], Expr] | None = None,
) -> Region:
    """Rebuild a region bottom-up; `fn` gives the ops to stand in an op's place: any number.

    `change`, if given, is put to every expression, in program order: those of an op before the
    ops inside it and before `fn`, save a loop's `until` and a region's results, which come last.
    """
    ops: list[Op] = []
    for op in region.ops:
        if not isinstance(op, Stage):
            op = _inside(op, fn, change)
        elif change is not None:
            op = map_exprs(op, change)
        ops.extend(fn(op))
    results = region.results
    if change is not None and results:
        results = tuple(map(change, results))
        if all(new is old for new, old in zip(results, region.results, strict=True)):
            results = region.results
    same = len(ops) == len(region.ops) and all(map(operator.is_, ops, region.ops))
    if same and results is region.results:
        return region
    return Region(params=region.params, ops=tuple(ops), results=results)


def _inside(op: Op, fn: Callable[[Op], Iterable[Op]], change: Callable[[Expr], Expr] | None) -> Op:
    if change is None:
        return with_regions(op, tuple(transform(inner, fn) for inner in regions(op)))
    until = op.until if isinstance(op, Loop) else None
    if until is None:
        op = map_exprs(op, change)
    else:
        op = map_exprs(op, lambda expr: expr if expr is until else change(expr))
    op = with_regions(op, tuple(transform(inner, fn, change) for inner in regions(op)))
    if until is not None and isinstance(op, Loop) and (new := change(until)) is not until:
        return replace(op, until=new)
    return op
