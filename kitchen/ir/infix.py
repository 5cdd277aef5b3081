"""Expressions as a recipe writes them."""

from __future__ import annotations

import json
from collections.abc import Callable

from kitchen.ir.expr import Apply, Const, Expr, Get, Ref, Value

#: How tightly an operator binds, loosest first, as in Python.
_LEVELS = (("if",), ("or",), ("and",), ("not",),
           ("==", "!=", "<", "<=", ">", ">=", "in", "not in"),
           ("+", "-"), ("*", "/", "//", "%"), ("neg",))  # fmt: skip
_BINDS = {op: level for level, ops in enumerate(_LEVELS) for op in ops}
_NOT, _COMPARE, _ATOM = _BINDS["not"], _BINDS["=="], len(_LEVELS)

Named = Callable[[Value], str]


def infix(expr: Expr, named: Named = lambda value: value.name) -> str:
    """The text of an expression; `named` says how a value is called.

    >>> from kitchen.ir.types import BOOL, INT
    >>> step = Ref(Value("step", 2, INT))
    >>> after = Apply("+", (step, Const(1, INT)), INT)
    >>> infix(Apply("==", (Apply("%", (after, Const(5, INT)), INT), Const(0, INT)), BOOL))
    '(step + 1) % 5 == 0'
    """
    return _written(expr, named)[0]


def literal(value: object) -> str:
    """A constant as a recipe writes it.

    >>> literal({"loss": "ppo", "clip": [0.8, 1.2], "best": None})
    '{"loss": "ppo", "clip": [0.8, 1.2], "best": null}'
    """
    return json.dumps(value, ensure_ascii=False, default=str)


def _written(expr: Expr, named: Named) -> tuple[str, int]:
    """The text, and how tightly its outermost operator binds."""
    match expr:
        case Const(value=value):
            return literal(value), _ATOM
        case Ref(value=value):
            return named(value), _ATOM
        case Get(of=of, name=name):
            return f"{_inside(of, named, _ATOM)}.{name}", _ATOM
        case Apply(op="format", args=args):
            return f'"{"".join(_piece(arg, named) for arg in args)}"', _ATOM
        case Apply(op="list", args=args):
            return f"[{', '.join(infix(arg, named) for arg in args)}]", _ATOM
        case Apply(op="record", args=args):
            texts = [infix(arg, named) for arg in args]
            pairs = zip(texts[::2], texts[1::2], strict=True)
            return f"{{{', '.join(f'{key}: {value}' for key, value in pairs)}}}", _ATOM
        case Apply(op=op, args=args) if op not in _BINDS:
            return f"{op}({', '.join(infix(arg, named) for arg in args)})", _ATOM
        case Apply(op=op, args=args):
            return _operator(op, args, named), _BINDS[op]


def _operator(op: str, args: tuple[Expr, ...], named: Named) -> str:
    level = _BINDS[op]
    if op == "if":
        condition, then, orelse = (_inside(arg, named, level + 1) for arg in args)
        return f"{then} if {condition} else {orelse}"
    if op in ("not", "neg"):
        return ("not " if op == "not" else "-") + _inside(args[0], named, level)
    # Comparisons do not chain here, so both of their sides bind more tightly.
    first = _inside(args[0], named, level + (level == _COMPARE))
    return f" {op} ".join([first, *(_inside(arg, named, level + 1) for arg in args[1:])])


def _inside(expr: Expr, named: Named, level: int) -> str:
    text, binds = _written(expr, named)
    return text if binds >= level else f"({text})"


def _piece(expr: Expr, named: Named) -> str:
    if isinstance(expr, Const) and isinstance(expr.value, str):
        return json.dumps(expr.value, ensure_ascii=False)[1:-1]
    return f"${{{infix(expr, named)}}}"
