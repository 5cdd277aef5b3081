"""What each operator and function takes and gives."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from kitchen.ir.frozen import frozen
from kitchen.ir.types import (
    BOOL,
    FLOAT,
    INT,
    NONE,
    SCALARS,
    STR,
    UNKNOWN,
    Kind,
    Type,
    accepts,
    element,
    join,
    list_of,
)

NUMBERS = (INT, FLOAT)


@frozen
class Mismatch:
    """Why operands do not fit, and what to do about it."""

    message: str
    help: str | None = None


Result = Type | Mismatch


def is_unknown(type_: Type) -> bool:
    return type_.kind is Kind.UNKNOWN


def list_type(items: Iterable[Type]) -> Type:
    """The type of a list of such items.

    A list of nothing or of several types is no wildcard, as a list of what is unknown is.
    """
    types = tuple(items)
    if any(map(is_unknown, types)):
        return list_of(UNKNOWN)
    item = reduce(join, types) if types else UNKNOWN
    return Type("List", Kind.SCALAR, (UNKNOWN,)) if is_unknown(item) else list_of(item)


def arithmetic(op: str, left: Type, right: Type) -> Result:
    """`+ - * / // %` on numbers; `+` joins texts and lists too."""
    if left in NUMBERS and right in NUMBERS:
        return FLOAT if op == "/" or FLOAT in (left, right) else INT
    if is_unknown(left) or is_unknown(right):
        return UNKNOWN
    if op == "+" and left == right == STR:
        return STR
    if op == "+" and left.name == right.name == "List":
        return list_of(join(left.args[0], right.args[0]))
    help = None
    if op == "+" and STR in (left, right):
        help = 'put values into a text with `"...${value}..."`'
    return Mismatch(f"`{op}` does not take {a(left)} and {a(right)}", help)


def sign(op: str, operand: Type) -> Result:
    """`-x` and `+x`."""
    if operand in NUMBERS or is_unknown(operand):
        return operand
    return Mismatch(f"`{op}` takes a number, not {a(operand)}")


def condition(subject: str, operand: Type) -> Result:
    """What is true or false."""
    if operand == BOOL or is_unknown(operand):
        return BOOL
    help = {"Int": "compare it, for example with `> 0`", "Str": 'compare it: `x == "..."`'}
    message = f"{subject} is true or false, this is {a(operand)}"
    return Mismatch(message, help.get(operand.name, "compare it with something"))


def comparison(op: str, left: Type, right: Type) -> Result:
    """`== != < <= > >=`, `in` and `not in`."""
    if is_unknown(left) or is_unknown(right):
        return BOOL
    if op in ("in", "not in"):
        item = element(right) if right.name == "List" else None
        found = item is not None and _comparable(left, item)
        if found or left == right == STR:
            return BOOL
        return Mismatch(f"`{op}` does not find {a(left)} in {a(right)}")
    if op in ("==", "!="):
        if NONE in (left, right) or _comparable(left, right):
            return BOOL
    elif (left in NUMBERS and right in NUMBERS) or left == right == STR:
        return BOOL
    return Mismatch(f"`{op}` does not compare {a(left)} with {a(right)}", _quotes(left, right))


def call(name: str, args: tuple[Type, ...]) -> Result:
    """The fixed functions."""
    if any(is_unknown(arg) for arg in args) and name not in ("default", "len", "range"):
        return UNKNOWN
    match name, args:
        case "range", _ if 1 <= len(args) <= 3 and all(accepts(INT, arg) for arg in args):
            return list_of(INT)
        case "len", (Type(name="List" | "Stream" | "Str" | "Unknown"),):
            return INT
        case (("min" | "max"), (Type(name="List") as items,)) if items.args[0] in NUMBERS:
            return items.args[0]
        case (("min" | "max"), (_, _, *_)) if all(arg in NUMBERS for arg in args):
            return FLOAT if FLOAT in args else INT
        case "round", (one,) if one in NUMBERS:
            return INT
        case "round", (one, digits) if one in NUMBERS and digits == INT:
            return one
        case "default", (value, other):
            return _default(value, other)
    given = " and ".join(map(a, args))
    message = f"`{name}` does not take {given}" if args else f"`{name}` needs something to work on"
    return Mismatch(message, f"write `{USAGE[name]}`")


USAGE = {
    "range": "range(stop)`, `range(start, stop)` or `range(start, stop, step)",
    "len": "len(list)",
    "min": "min(a, b)",
    "max": "max(a, b)",
    "round": "round(x)` or `round(x, digits)",
    "default": "default(value, otherwise)",
}


def _default(value: Type, other: Type) -> Result:
    if value == NONE:
        return other
    result = join(value.required, other)
    if is_unknown(result) and not (is_unknown(value) or is_unknown(other)):
        message = f"`default` takes two of one type, not {a(value.required)} and {a(other)}"
        return Mismatch(message)
    return result


def _comparable(left: Type, right: Type) -> bool:
    left, right = left.required, right.required
    if is_unknown(left) or is_unknown(right) or (left in NUMBERS and right in NUMBERS):
        return True
    plain = left.name in SCALARS or left.name in ("List", "Record")
    return plain and (accepts(left, right) or accepts(right, left))


def _quotes(left: Type, right: Type) -> str | None:
    return "a number in quotes is a text" if {left, right} in ({STR, INT}, {STR, FLOAT}) else None


def a(type_: Type) -> str:
    """A type with its article."""
    name = str(type_)
    return f"{'an' if name[0] in 'AEIO' else 'a'} {name}"
