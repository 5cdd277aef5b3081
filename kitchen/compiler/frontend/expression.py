"""Expressions: those that stand alone, and those inside `${...}`."""

from __future__ import annotations

import keyword

from kitchen.compiler.frontend.data import UNREADABLE, field_of, item_of, scalar_data, type_of_data
from kitchen.compiler.frontend.expression_text import ExpressionText
from kitchen.compiler.frontend.grammar import Grammar, ReadName
from kitchen.compiler.frontend.interpolation import Hole, pieces
from kitchen.compiler.frontend.operators import a, is_unknown, list_type
from kitchen.compiler.frontend.positions import Positions
from kitchen.compiler.frontend.report import Report, fault
from kitchen.compiler.frontend.syntax import Mapping, Node, Scalar, Sequence
from kitchen.ir.expr import Apply, Const, Expr
from kitchen.ir.source import Span
from kitchen.ir.types import SCALARS, STR, UNKNOWN, Type, record


def parse_expression(scalar: Scalar, scope: ReadName, report: Report) -> Expr:
    """The typed expression a scalar holds; `scope` says what a name stands for."""
    text = scalar.text
    if text.lstrip().startswith("${"):
        message = "an expression stands alone here"
        help = "write it without `${` and `}`"
        report(fault("K032", message, scalar.span, "in `${...}`", help=help))
        return Const(None, UNKNOWN, scalar.span)
    return _parse(Positions(scalar), 0, len(text), scope, report)


def parse_setting(node: Node, scope: ReadName, report: Report, expected: Type | None) -> Expr:
    """What a node under `with:` stands for: data, with expressions in `${...}`.

    A `${...}` that is the whole scalar keeps its type; inside a longer text it becomes text.
    `expected` says how to read a plain scalar; whether the type fits is for the caller to check.
    """
    if isinstance(node, Scalar):
        return _scalar(node, scope, report, expected)
    if isinstance(node, Sequence):
        wanted = item_of(expected)
        items = tuple(parse_setting(item, scope, report, wanted) for item in node.items)
        type_ = list_type(item.type for item in items)
        constants = [item.value for item in items if isinstance(item, Const)]
        if len(constants) == len(items):
            return Const(constants, type_, node.span)
        return Apply("list", items, type_, node.span)
    return _record(node, scope, report, expected)


def _record(node: Mapping, scope: ReadName, report: Report, expected: Type | None) -> Expr:
    pairs = [
        (key, parse_setting(value, scope, report, field_of(expected, key.text)))
        for key, value in node.items
    ]
    type_ = record(**{key.text: value.type for key, value in pairs})
    if all(isinstance(value, Const) for _, value in pairs):
        data = {key.text: value.value for key, value in pairs if isinstance(value, Const)}
        return Const(data, type_, node.span)
    args = tuple(arg for key, value in pairs for arg in (Const(key.text, STR, key.span), value))
    return Apply("record", args, type_, node.span)


def _scalar(node: Scalar, scope: ReadName, report: Report, expected: Type | None) -> Expr:
    if "${" not in node.text:
        value = scalar_data(node, expected, report)
        if value is UNREADABLE:
            return Const(None, UNKNOWN, node.span)
        return Const(value, type_of_data(value), node.span)
    positions = Positions(node)
    found = pieces(positions, report)
    if found is None:
        return Const(None, UNKNOWN, node.span)
    match found:
        case [Hole(start=start, end=end)]:
            return _parse(positions, start, end, scope, report)
        case [] | [str()]:
            return Const("".join(map(str, found)), STR, node.span)
    args: list[Expr] = []
    for piece in found:
        if isinstance(piece, str):
            args.append(Const(piece, STR, node.span))
            continue
        value = _parse(positions, piece.start, piece.end, scope, report)
        args.append(_as_text(value, positions.part(piece.start, piece.end), report))
    return Apply("format", tuple(args), STR, node.span)


def _as_text(value: Expr, at: Span, report: Report) -> Expr:
    """A value inside a longer text; one that has no text form is reported."""
    type_ = value.type
    if type_.name in SCALARS or is_unknown(type_):
        return value
    if type_.is_optional or type_.name == "None":
        message = "this value may be absent where a text needs it"
        report(fault("K251", message, at, f"{type_}", help="write `default(value, otherwise)`"))
    else:
        message = f"{a(type_)} cannot stand inside a text"
        help = "put a number, a text, or true or false there"
        report(fault("K254", message, at, f"{type_}", help=help))
    return Const(None, UNKNOWN, at)


def _parse(positions: Positions, start: int, end: int, scope: ReadName, report: Report) -> Expr:
    text = ExpressionText(positions, start, end)
    grammar = Grammar(text, scope, report)
    word = text.text
    if word.isidentifier() and text.is_ascii and not keyword.iskeyword(word):
        return grammar.word(word, text.part(0, len(word)))
    return grammar.parse()
