"""The grammar of expressions: Python's expression syntax, cut down and typed while it is read."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable

from kitchen.compiler.frontend.ast_words import ARITHMETIC, COMPARISON, outside
from kitchen.compiler.frontend.expression_text import ExpressionText
from kitchen.compiler.frontend.narrowing import present_if
from kitchen.compiler.frontend.operators import (
    Mismatch,
    Result,
    a,
    arithmetic,
    call,
    comparison,
    condition,
    is_unknown,
    list_type,
    sign,
)
from kitchen.compiler.frontend.report import Report, fault
from kitchen.compiler.frontend.shapes import FUNCTIONS, LITERALS
from kitchen.ir.diagnostic import did_you_mean
from kitchen.ir.expr import LARGEST, Apply, Const, Expr, Get
from kitchen.ir.source import Span
from kitchen.ir.types import BOOL, FLOAT, INT, NONE, STR, UNKNOWN, Type, join

ReadName = Callable[[str, Span], Expr]

_LITERAL_TYPES = {bool: BOOL, int: INT, float: FLOAT, str: STR, type(None): NONE}


class Grammar:
    """Reads one expression; `scope` says what a name stands for."""

    def __init__(self, text: ExpressionText, scope: ReadName, report: Report) -> None:
        self.text, self.scope, self.report = text, scope, report
        self.present: tuple[Expr, ...] = ()  #: optional values that a condition around here tests

    def parse(self) -> Expr:
        """The typed tree of the expression; what is wrong with it is reported."""
        tree = self.text.tree(self.report)
        return Const(None, UNKNOWN, self.text.span) if tree is None else self._expr(tree)

    def word(self, text: str, span: Span) -> Expr:
        """What a single word stands for: a literal, or what its name is bound to."""
        if text in LITERALS:
            value = LITERALS[text]
            return Const(value, _LITERAL_TYPES[type(value)], span)
        if text in FUNCTIONS:
            message = f"`{text}` is a function, not a value"
            self.report(fault("K031", message, span, help=f"call it: `{text}(...)`"))
            return Const(None, UNKNOWN, span)
        return self.scope(text, span)

    def _span(self, node: ast.expr) -> Span:
        return self.text.part(node.col_offset, node.end_col_offset or node.col_offset)

    def _expr(self, node: ast.expr) -> Expr:
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name(id=name):
                return self.word(name, self._span(node))
            case ast.Attribute():
                return self._field(node)
            case ast.BinOp(op=op) if type(op) in ARITHMETIC:
                return self._arithmetic(node, ARITHMETIC[type(op)])
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                return self._sign(node)
            case ast.UnaryOp(op=ast.Not()):
                operand = self._condition("what `not` turns round", node.operand)
                return Apply("not", (operand,), BOOL, self._span(node))
            case ast.BoolOp():
                return self._logic(node)
            case ast.Compare(ops=ops) if all(type(op) in COMPARISON for op in ops):
                return self._comparison(node)
            case ast.IfExp():
                return self._choice(node)
            case ast.List():
                return self._list(node)
            case ast.Call():
                return self._call(node)
        return self._outside(node)

    def _outside(self, node: ast.expr) -> Expr:
        found: ast.AST = node
        if isinstance(node, (ast.BinOp, ast.UnaryOp)):
            found = node.op
        elif isinstance(node, ast.Compare):
            found = next(op for op in node.ops if type(op) not in COMPARISON)
        name, help = outside(found)
        message = f"{name} is not part of the expression language"
        return self._refuse("K031", message, self._span(node), help=help)

    def _refuse(
        self, code: str, message: str, span: Span, label: str = "", help: str | None = None
    ) -> Expr:
        self.report(fault(code, message, span, label, help=help))
        return Const(None, UNKNOWN, span)

    def _constant(self, node: ast.Constant) -> Expr:
        value, span = node.value, self._span(node)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if abs(value) >= LARGEST if isinstance(value, int) else math.isinf(value):
                message = "this number is beyond 64 bits"
                return self._refuse("K025", message, span, help="write a smaller number")
        elif not isinstance(value, (bool, str, type(None))):
            message = f"`{span.text}` is not part of the expression language"
            help = "literals are numbers, texts, lists, `true`, `false` and `null`"
            return self._refuse("K031", message, span, help=help)
        return Const(value, _LITERAL_TYPES[type(value)], span)

    def _type(self, expr: Expr) -> Type:
        """The type of an expression here: present, where a condition around it says so."""
        if expr.type.is_optional and expr in self.present:
            return expr.type.required
        return expr.type

    def _needed(self, expr: Expr) -> Type:
        """The type of an operand that has to be there; reported where it may be absent."""
        type_ = self._type(expr)
        if type_.is_optional or type_ == NONE:
            help = "write `default(value, otherwise)`, or test it first: `value != None and ...`"
            message = "this value may be absent"
            self.report(fault("K251", message, expr.span, f"{type_}", help=help))
            return UNKNOWN
        return type_

    def _typed(self, result: Result, span: Span, label: str = "") -> Type:
        """The type a rule gives; its mismatch is reported."""
        if isinstance(result, Mismatch):
            self.report(fault("K250", result.message, span, label, help=result.help))
            return UNKNOWN
        return result

    def _field(self, node: ast.Attribute) -> Expr:
        of, span = self._expr(node.value), self._span(node)
        owner = self._needed(of)
        if is_unknown(owner) or (owner.name == "Record" and not owner.fields):
            return Get(of, node.attr, UNKNOWN, span)
        type_ = owner.field(node.attr)
        if type_ is not None:
            return Get(of, node.attr, type_, span)
        at = span.within(max(len(span.text) - len(node.attr), 0), len(span.text))
        help = did_you_mean(node.attr, [name for name, _ in owner.fields])
        return self._refuse("K161", f"{a(owner)} has no field `{node.attr}`", at, help=help)

    def _arithmetic(self, node: ast.BinOp, op: str) -> Expr:
        left, right = self._expr(node.left), self._expr(node.right)
        span = self._span(node)
        type_ = self._typed(arithmetic(op, self._needed(left), self._needed(right)), span)
        return Apply(op, (left, right), type_, span)

    def _sign(self, node: ast.UnaryOp) -> Expr:
        negative = isinstance(node.op, ast.USub)
        operand, span = self._expr(node.operand), self._span(node)
        type_ = self._typed(sign("-" if negative else "+", self._needed(operand)), span)
        if not negative:
            return operand
        if isinstance(operand, Const) and isinstance(operand.value, (int, float)):
            return Const(-operand.value, type_, span)
        return Apply("neg", (operand,), type_, span)

    def _condition(self, subject: str, node: ast.expr) -> Expr:
        expr = self._expr(node)
        type_ = self._needed(expr)
        self._typed(condition(subject, type_), self._span(node), f"{type_}")
        return expr

    def _logic(self, node: ast.BoolOp) -> Expr:
        op = "and" if isinstance(node.op, ast.And) else "or"
        before, args = self.present, []
        for value in node.values:
            arg = self._condition(f"each side of `{op}`", value)
            self.present += present_if(arg, op == "and")
            args.append(arg)
        self.present = before
        return Apply(op, tuple(args), BOOL, self._span(node))

    def _comparison(self, node: ast.Compare) -> Expr:
        """`a < b < c` is `a < b and b < c`."""
        operands = [self._expr(side) for side in (node.left, *node.comparators)]
        pairs = []
        for op, left, right in zip(node.ops, operands, operands[1:], strict=False):
            name = COMPARISON[type(op)]
            equality = name in ("==", "!=")
            sides = [self._type(side) if equality else self._needed(side) for side in (left, right)]
            span = self._span(node)
            self._typed(comparison(name, *sides), span)
            pairs.append(Apply(name, (left, right), BOOL, span))
        return pairs[0] if len(pairs) == 1 else Apply("and", tuple(pairs), BOOL, self._span(node))

    def _choice(self, node: ast.IfExp) -> Expr:
        test, before = self._condition("what stands after `if`", node.test), self.present
        self.present = before + present_if(test, True)
        then = self._expr(node.body)
        then_type = self._type(then)
        self.present = before + present_if(test, False)
        orelse = self._expr(node.orelse)
        else_type = self._type(orelse)
        self.present = before
        type_, span = join(then_type, else_type), self._span(node)
        if is_unknown(type_) and not (is_unknown(then_type) or is_unknown(else_type)):
            message = f"this is {a(then_type)} on one path and {a(else_type)} on the other"
            self.report(fault("K253", message, span, help="make both the same type"))
        return Apply("if", (test, then, orelse), type_, span)

    def _list(self, node: ast.List) -> Expr:
        items = tuple(self._expr(item) for item in node.elts)
        type_, span = list_type(item.type for item in items), self._span(node)
        constants = [item.value for item in items if isinstance(item, Const)]
        if len(constants) == len(items):
            return Const(constants, type_, span)
        return Apply("list", items, type_, span)

    def _call(self, node: ast.Call) -> Expr:
        span = self._span(node)
        if not isinstance(node.func, ast.Name):
            message = "only the functions of the language can be called"
            return self._refuse("K031", message, span, help=did_you_mean("", FUNCTIONS))
        name = node.func.id
        if name not in FUNCTIONS:
            at, help = self._span(node.func), did_you_mean(name, FUNCTIONS)
            return self._refuse("K160", f"there is no function `{name}`", at, help=help)
        if node.keywords:
            message = f"`{name}` takes its arguments by position"
            return self._refuse("K031", message, span, help="leave the names out")
        args = tuple(self._expr(arg) for arg in node.args)
        optional = name == "default"
        types = tuple(self._type(arg) if optional else self._needed(arg) for arg in args)
        return Apply(name, args, self._typed(call(name, types), span), span)
