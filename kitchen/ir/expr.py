"""Expressions: a small typed tree, and the one function that computes it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace

from kitchen.ir.frozen import frozen
from kitchen.ir.source import Span
from kitchen.ir.types import Type


@frozen
class Value:
    """A name that is given a value once: what was written, and which of its versions this is."""

    name: str
    index: int
    type: Type

    def __hash__(self) -> int:
        return hash((self.name, self.index))

    def __str__(self) -> str:
        return f"%{self.name}" if self.index == 0 else f"%{self.name}.{self.index}"


@frozen
class Const:
    """A value known now: a scalar, None, or lists and dicts of them."""

    value: object
    type: Type
    span: Span | None = field(default=None, compare=False, repr=False)


@frozen
class Ref:
    """A read of a value."""

    value: Value
    span: Span | None = field(default=None, compare=False, repr=False)

    @property
    def type(self) -> Type:
        return self.value.type


@frozen
class Get:
    """A read of one field of a value."""

    of: Expr
    name: str
    type: Type
    span: Span | None = field(default=None, compare=False, repr=False)


@frozen
class Apply:
    """An operator or one of the fixed functions, applied; `OPERATORS` has what each computes."""

    op: str
    args: tuple[Expr, ...]
    type: Type
    span: Span | None = field(default=None, compare=False, repr=False)


Expr = Const | Ref | Get | Apply


class EvaluationError(Exception):
    """An expression has no value: division by zero, a field of an absent value, a huge number."""


LARGEST = 2**63


def _bounded(compute: Callable[..., object]) -> Callable[..., object]:
    def bounded(*args: object) -> object:
        number = compute(*args)
        if isinstance(number, int) and abs(number) >= LARGEST:
            raise EvaluationError("the result is beyond 64 bits")
        return number

    return bounded


def _text(*parts: object) -> str:
    return "".join(
        ("true" if part else "false") if isinstance(part, bool) else str(part) for part in parts
    )


def _required(value: object) -> object:
    if value is None:
        raise EvaluationError("a value that must be there is absent")
    return value


#: What each operator computes. `and`, `or`, `if` and `default` are lazy and live in `evaluate`.
#: `required` is what a guard has shown to be there. `record` takes its keys and values by turns;
#: `format` joins the pieces of a `"a-${b}"` scalar.
OPERATORS: Mapping[str, Callable[..., object]] = {
    "+": _bounded(operator.add),
    "-": _bounded(operator.sub),
    "*": _bounded(operator.mul),
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "neg": operator.neg,
    "not": operator.not_,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda item, items: item in items,
    "not in": lambda item, items: item not in items,
    "range": range,
    "len": len,
    "min": lambda *args: min(args[0] if len(args) == 1 else args),
    "max": lambda *args: max(args[0] if len(args) == 1 else args),
    "round": round,
    "list": lambda *items: list(items),
    "record": lambda *items: dict(zip(items[::2], items[1::2], strict=True)),
    "format": _text,
    "required": _required,
}

LAZY = frozenset({"and", "or", "if", "default"})


def evaluate(expr: Expr, lookup: Callable[[Value], object]) -> object:
    """Compute an expression, reading values through `lookup`.

    Raises EvaluationError where it has no value.
    """
    match expr:
        case Const(value=value):
            return value
        case Ref(value=value):
            return lookup(value)
        case Get(of=of, name=name):
            owner = evaluate(of, lookup)
            if owner is None:
                raise EvaluationError(f"`{name}` is read of a value that is absent")
            try:
                return owner[name] if isinstance(owner, dict) else getattr(owner, name)
            except (KeyError, AttributeError) as cause:
                raise EvaluationError(f"there is no `{name}` in it") from cause
        case Apply(op=op, args=args) if op in LAZY:
            return _evaluate_lazily(op, args, lookup)
        case Apply(op=op, args=args):
            values = [evaluate(arg, lookup) for arg in args]
            try:
                return OPERATORS[op](*values)
            except (ArithmeticError, TypeError, ValueError) as cause:
                raise EvaluationError(str(cause)) from cause
    raise AssertionError(expr)


def _evaluate_lazily(op: str, args: tuple[Expr, ...], lookup: Callable[[Value], object]) -> object:
    if op == "if":
        condition, then, orelse = args
        return evaluate(then if evaluate(condition, lookup) else orelse, lookup)
    if op == "default":
        value = evaluate(args[0], lookup)
        return evaluate(args[1], lookup) if value is None else value
    wanted = op == "and"
    for arg in args:
        if bool(evaluate(arg, lookup)) is not wanted:
            return not wanted
    return wanted


def refs(expr: Expr) -> Iterator[Ref]:
    """Every read of a value in an expression, from left to right."""
    match expr:
        case Ref():
            yield expr
        case Get(of=of):
            yield from refs(of)
        case Apply(args=args):
            for arg in args:
                yield from refs(arg)


def map_refs(expr: Expr, change: Callable[[Ref], Expr]) -> Expr:
    """The same expression with every read replaced by what `change` gives for it."""
    match expr:
        case Ref():
            return change(expr)
        case Get(of=of):
            new = map_refs(of, change)
            return expr if new is of else replace(expr, of=new)
        case Apply(args=args):
            changed = tuple(map_refs(arg, change) for arg in args)
            same = all(new is old for new, old in zip(changed, args, strict=True))
            return expr if same else replace(expr, args=changed)
    return expr
