"""Nodes to plain data: what a recipe's parameters and an adapter's settings hold."""

from __future__ import annotations

from kitchen.compiler.frontend.operators import list_type
from kitchen.compiler.frontend.report import Report, fault
from kitchen.compiler.frontend.scalars import ScalarError, resolve
from kitchen.compiler.frontend.syntax import Mapping, Node, Scalar
from kitchen.ir.types import BOOL, FLOAT, INT, NONE, STR, UNKNOWN, Type, record


def scalar_data(node: Scalar, expected: Type | None, report: Report) -> object:
    """The value of a scalar. Where a string is expected it is the text, whatever it looks like."""
    if not node.plain:
        return node.text
    try:
        value = resolve(node.text)
    except ScalarError as cause:
        if expected is not None and expected.required == STR:
            return node.text
        report(fault("K025", cause.message, node.span, help=cause.help))
        return UNREADABLE
    if value is not None and expected is not None and expected.required == STR:
        return node.text
    return value


def plain_data(node: Node, expected: Type | None, report: Report) -> object:
    """A node as None, scalars, and lists and dicts of them."""
    expected = None if expected is None else expected.required
    if isinstance(node, Scalar):
        return scalar_data(node, expected, report)
    if isinstance(node, Mapping):
        pairs = {
            key.text: plain_data(value, field_of(expected, key.text), report)
            for key, value in node.items
        }
        return UNREADABLE if UNREADABLE in pairs.values() else pairs
    items = [plain_data(item, item_of(expected), report) for item in node.items]
    return UNREADABLE if UNREADABLE in items else items


def item_of(expected: Type | None) -> Type | None:
    """What the items of a list are expected to be, where a list is expected."""
    if expected is None or expected.required.name != "List":
        return None
    return expected.required.args[0]


def field_of(expected: Type | None, name: str) -> Type | None:
    """What a field of a record is expected to be, where a record is expected."""
    return None if expected is None else expected.required.field(name)


def type_of_data(value: object) -> Type:
    """The type of plain data."""
    match value:
        case None:
            return NONE
        case bool():
            return BOOL
        case int():
            return INT
        case float():
            return FLOAT
        case str():
            return STR
        case list() | tuple():
            return list_type(map(type_of_data, value))
        case dict():
            return record(**{name: type_of_data(part) for name, part in value.items()})
    return UNKNOWN


class _Unreadable:
    """Stands for data that was reported as not readable."""

    def __repr__(self) -> str:
        return "UNREADABLE"


UNREADABLE = _Unreadable()
