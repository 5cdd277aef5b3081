"""Programs in few words, for tests that need one that no recipe would spell."""

from __future__ import annotations

from typing import Any

from kitchen.ir.expr import Apply, Const, Expr, Ref, Value
from kitchen.ir.program import (
    NO_ANNOTATIONS,
    Annotations,
    Branch,
    Loop,
    Map,
    Op,
    Origin,
    Parameter,
    Program,
    Region,
    Stage,
)
from kitchen.ir.source import Source, Span
from kitchen.ir.types import BOOL, FLOAT, INT, NONE, STR, UNKNOWN, Kind, Type, list_of

CELL = Type("Cell", Kind.HANDLE)
SCRATCH = Source("scratch.yaml", "".join(f"line {number}\n" for number in range(1, 400)))
LINE = len("line 100\n")


def line(number: int) -> Span:
    """The span of a line of a document that is only there to be pointed at."""
    start = SCRATCH.offset(number - 1, 0)
    return Span(SCRATCH, start, start + len(SCRATCH.line(number)))


def value(text: str, type_: Type = INT) -> Value:
    """`value("x.2")` is version 2 of `x`."""
    name, _, index = text.partition(".")
    return Value(name, int(index or 0), type_)


def expr(given: Any) -> Expr:
    """An expression from a value, an expression, or a plain constant."""
    match given:
        case Value():
            return Ref(given)
        case Const() | Ref() | Apply():
            return given
        case bool():
            return Const(given, BOOL)
        case int():
            return Const(given, INT)
        case float():
            return Const(given, FLOAT)
        case str():
            return Const(given, STR)
        case None:
            return Const(None, NONE)
        case list():
            return Const(given, list_of(INT))
        case dict():
            return Const(given, Type("Record"))
    return given if hasattr(given, "of") else Const(given, UNKNOWN)


def apply(op: str, *args: Any, type: Type = INT) -> Apply:
    return Apply(op, tuple(map(expr, args)), type)


def span_of(stop: Any, *more: Any) -> Apply:
    """`range(...)`."""
    return apply("range", stop, *more, type=list_of(INT))


def stage(
    name: str,
    outputs: tuple[Value, ...] | Value = (),
    *,
    config: dict[str, Any] | None = None,
    annotations: Annotations = NO_ANNOTATIONS,
    called: str = "",
    at: int | None = None,
    **inputs: Any,
) -> Stage:
    return Stage(
        name=called or name,
        stage=name,
        inputs=tuple((key, expr(given)) for key, given in inputs.items()),
        config=tuple((key, expr(given)) for key, given in (config or {}).items()),
        outputs=(outputs,) if isinstance(outputs, Value) else outputs,
        annotations=annotations,
        span=None if at is None else line(at),
    )


def region(*ops: Op, params: tuple[Value, ...] = (), results: tuple[Any, ...] = ()) -> Region:
    return Region(params=params, ops=ops, results=tuple(map(expr, results)))


def loop(
    over: Any,
    body: Region,
    *,
    carry: tuple[Any, ...] = (),
    outputs: tuple[Value, ...] = (),
    called: str = "i",
    **clauses: Any,
) -> Loop:
    return Loop(
        name=called,
        over=None if over is None else expr(over),
        body=body,
        carry=tuple(map(expr, carry)),
        outputs=outputs,
        **{key: expr(given) for key, given in clauses.items()},
    )


def map_over(over: Any, body: Region, outputs: tuple[Value, ...] = (), called: str = "i") -> Map:
    return Map(name=called, over=expr(over), body=body, outputs=outputs)


def branch(
    condition: Any,
    then: Region,
    orelse: Region | None = None,
    outputs: tuple[Value, ...] = (),
    called: str = "if",
) -> Branch:
    return Branch(
        name=called,
        condition=expr(condition),
        then=then,
        orelse=orelse or Region(),
        outputs=outputs,
    )


def parameter(name: str, setting: Any, type_: Type = INT) -> Parameter:
    return Parameter(value=value(name, type_), setting=setting, origin=Origin.DEFAULT)


def program(*ops: Op, finally_: Region | None = None, **fields: Any) -> Program:
    return Program(name="toy", body=Region(ops=ops), finally_=finally_ or Region(), **fields)
