"""What an expression comes to when some of its values are known."""

from __future__ import annotations

import operator
from collections.abc import Mapping

from kitchen.compiler.rewrites.facts import length
from kitchen.ir.expr import Apply, Const, EvaluationError, Expr, Get, Ref, Value, evaluate, refs
from kitchen.ir.types import BOOL, FLOAT, INT, NONE, Kind

_NUMBERS = (INT, FLOAT)
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_ARITHMETIC = frozenset({"+", "-", "*", "neg"}) | _COMPARISONS
_SEARCHES = frozenset({"min", "max", "in", "not in"})
_LONGEST_RANGE = 100_000


def fold(expr: Expr, known: Mapping[Value, Expr]) -> Expr:
    """Put what is known in the place of values, and compute what can be computed.

    What has no value (a division by zero) stays as it is, for the run or a check to report.
    """
    match expr:
        case Const():
            return expr
        case Ref():
            return _read(expr, known)
        case Get(of=of):
            owner = fold(of, known)
            new = expr if owner is of else Get(owner, expr.name, expr.type, expr.span)
            return _computed(new) if isinstance(owner, Const) else new
        case Apply(args=args):
            folded = tuple([fold(arg, known) for arg in args])
            same = all(map(operator.is_, folded, args))
            return _simplified(expr if same else Apply(expr.op, folded, expr.type, expr.span))


def propagate(expr: Expr, known: Mapping[Value, Expr]) -> Expr:
    """Fold an expression if it reads a value that is known; leave any other alone."""
    if not known or isinstance(expr, Const):
        return expr
    if any(ref.value in known for ref in refs(expr)):
        return fold(expr, known)
    return expr


def _read(ref: Ref, known: Mapping[Value, Expr]) -> Expr:
    found = known.get(ref.value) if known else None
    if found is None:
        return ref
    if ref.span is None:
        return found
    match found:
        case Const(value=value):
            return Const(value, found.type, ref.span)
        case Ref(value=value):
            return Ref(value, ref.span)
    return found


def _simplified(expr: Apply) -> Expr:
    args = expr.args
    match expr.op:
        case "and" | "or":
            return _connective(expr)
        case "if" if isinstance(args[0], Const):
            return args[1] if args[0].value else args[2]
        case "default" if isinstance(args[0], Const):
            return args[1] if args[0].value is None else args[0]
        case "default" if _always_there(args[0]):
            return args[0]
        case "required" if _always_there(args[0]):
            return args[0]
        case "==" | "!=" if _absent(args[0], args[1]) or _absent(args[1], args[0]):
            return Const(expr.op == "!=", BOOL, expr.span)
        case "not":
            if isinstance(args[0], Apply) and args[0].op == "not" and args[0].args[0].type == BOOL:
                return args[0].args[0]
        case "%" if args[1] == Const(1, INT) and args[0].type == INT and _total(args[0]):
            return Const(0, INT, expr.span)
    return _computed(expr) if all(map(_closed, args)) else expr


def _connective(expr: Apply) -> Expr:
    """`and` stops at the first false, `or` at the first true; the others do not decide."""
    if any(arg.type != BOOL for arg in expr.args):
        return _computed(expr) if all(map(_closed, expr.args)) else expr
    deciding = expr.op == "or"
    kept: list[Expr] = []
    for arg in expr.args:
        if not isinstance(arg, Const):
            kept.append(arg)
        elif bool(arg.value) is deciding:
            if all(map(_total, kept)):
                return arg
            kept.append(arg)
            break
    if len(kept) < 2:
        return kept[0] if kept else Const(not deciding, BOOL, expr.span)
    if len(kept) == len(expr.args):
        return expr
    return Apply(expr.op, tuple(kept), expr.type, expr.span)


def _closed(expr: Expr) -> bool:
    """Whether a folded expression reads nothing. A range is never a constant: it stays `range`."""
    return isinstance(expr, Const) or length(expr) is not None


def _costly(expr: Get | Apply) -> bool:
    """Whether computing takes time or memory out of proportion: searched ranges, repeated lists."""
    if isinstance(expr, Get):
        return False
    if expr.op == "*":
        return any(arg.type not in _NUMBERS for arg in expr.args)
    return expr.op in _SEARCHES and any(
        not isinstance(arg, Const) and (length(arg) or 0) > _LONGEST_RANGE for arg in expr.args
    )


def _computed(expr: Get | Apply) -> Expr:
    if _costly(expr):
        return expr
    try:
        value = evaluate(expr, _nothing)
    except EvaluationError:
        return expr
    return Const(value, expr.type, expr.span) if _plain(value) else expr


def _nothing(value: Value) -> object:
    raise AssertionError(f"{value} is read by a closed expression")


def _plain(value: object) -> bool:
    """Whether a value may stand in a constant. NaN may not: it does not equal itself."""
    match value:
        case None | bool() | int() | str():
            return True
        case float():
            return value == value
        case list():
            return all(map(_plain, value))
        case dict():
            return all(map(_plain, value.values()))
    return False


def _total(expr: Expr) -> bool:
    """Whether an expression has a value whatever its reads give (64 bits taken to be enough)."""
    match expr:
        case Const() | Ref():
            return True
        case Get(of=of):
            return of.type.field(expr.name) is not None and _total(of)
        case Apply(op="and" | "or" | "not" | "if" | "default" | "==" | "!=", args=args):
            return all(map(_total, args))
        case Apply(op="%" | "//" | "/", args=(left, Const(value=divisor))):
            return bool(divisor) and left.type in _NUMBERS and _total(left)
        case Apply(op=op, args=args) if op in _ARITHMETIC:
            return all(arg.type in _NUMBERS and _total(arg) for arg in args)
    return False


def _absent(nothing: Expr, other: Expr) -> bool:
    """Whether a comparison is of `null` with what is always there."""
    absent = isinstance(nothing, Const) and nothing.value is None
    return absent and _always_there(other) and _total(other)


def _always_there(expr: Expr) -> bool:
    type_ = expr.type
    return not (type_.is_optional or type_ == NONE or type_.kind is Kind.UNKNOWN)
