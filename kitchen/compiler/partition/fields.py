"""Fields of handles: a session stays where it is, but the number of its steps can travel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from kitchen.ir.expr import Apply, Expr, Get, Ref, Value
from kitchen.ir.program import Op, Region
from kitchen.ir.types import Kind
from kitchen.ir.walk import exprs, regions, transform, walk


def every_expr(op: Op) -> Iterator[Expr]:
    """The expressions of an op, at any depth."""
    for inner in walk(Region(ops=(op,))):
        yield from exprs(inner)
        for region in regions(inner):
            yield from region.results


def read_whole(op: Op) -> Iterator[Value]:
    """What an op reads other than by a scalar field."""
    for expr in every_expr(op):
        yield from _whole(expr)


def _whole(expr: Expr) -> Iterator[Value]:
    match expr:
        case Ref(value=value):
            yield value
        case Get(of=of):
            if not _is_field(expr):
                yield from _whole(of)
        case Apply(args=args):
            for arg in args:
                yield from _whole(arg)


def _is_field(expr: Get) -> bool:
    return isinstance(expr.of, Ref) and expr.type.kind is Kind.SCALAR


def fields_of(op: Op, value: Value) -> dict[Value, Get]:
    """The fields of a value that an op reads, each as a value of its own."""
    found: dict[Value, Get] = {}
    for expr in every_expr(op):
        for field in _fields(expr, value):
            found.setdefault(Value(f"{str(value)[1:]}.{field.name}", 0, field.type), field)
    return found


def _fields(expr: Expr, value: Value) -> Iterator[Get]:
    match expr:
        case Get(of=Ref(value=read)) if read == value:
            yield expr
        case Get(of=of):
            yield from _fields(of, value)
        case Apply(args=args):
            for arg in args:
                yield from _fields(arg, value)


def with_fields(op: Op, known: Mapping[Get, Value]) -> Op:
    """The op with values in the place of fields."""

    def change(expr: Expr) -> Expr:
        match expr:
            case Get() if expr in known:
                return Ref(known[expr], expr.span)
            case Get(of=of):
                return replace(expr, of=change(of))
            case Apply(args=args):
                return replace(expr, args=tuple(map(change, args)))
        return expr

    (changed,) = transform(Region(ops=(op,)), lambda inner: (inner,), change).ops
    return changed
