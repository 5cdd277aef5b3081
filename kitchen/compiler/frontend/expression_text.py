"""The text of an expression: its syntax tree, and where each part of it stands."""

from __future__ import annotations

import ast
import warnings

from kitchen.compiler.frontend.positions import Positions
from kitchen.compiler.frontend.report import Report, fault, short
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.source import Span

MAX_LENGTH = 1000
MAX_DEPTH = 40

#: What Python's parser says -> what that means here.
_REASONS = {
    "invalid syntax": "it does not go on like this",
    "too many nested parentheses": "its parentheses are nested too deep",
    "unterminated string literal (detected at line 1)": "this quote is never closed",
    "expected 'else' after 'if' expression": "an `if` needs its `else`",
    "source code string cannot contain null bytes": "it holds a NUL character",
}


class ExpressionText:
    """What a scalar holds from `start` to `end`, taken as an expression."""

    def __init__(self, positions: Positions, start: int, end: int) -> None:
        written = positions.text[start:end]
        self.positions = positions
        self.start = start + len(written) - len(written.lstrip())
        self.text = written.strip().replace("\r", " ").replace("\n", " ")
        self.span = positions.part(start, end)
        self.is_ascii = self.text.isascii()

    def part(self, start: int, end: int) -> Span:
        """The place of a part, counted in UTF-8 bytes as Python's syntax trees do."""
        if not self.is_ascii:
            encoded = self.text.encode()
            start, end = len(encoded[:start].decode()), len(encoded[:end].decode())
        return self.positions.part(self.start + start, self.start + end)

    def tree(self, report: Report) -> ast.expr | None:
        """Python's syntax tree of the expression; None, reported, where there is none."""
        if not self.text:
            help = "write an expression, or remove it"
            report(fault("K030", "there is no expression here", self.span, help=help))
            return None
        if len(self.text) > MAX_LENGTH:
            message = f"an expression has at most {MAX_LENGTH:,} characters, this one has more"
            report(fault("K033", message, self.span, help="compute it in steps"))
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(self.text, mode="eval").body
        except SyntaxError as cause:
            report(self._syntax_fault(cause))
            return None
        except ValueError:  # a NUL or half a surrogate pair, from an escape
            message = "this expression holds a character that cannot be read"
            report(fault("K030", message, self.span, help="remove it"))
            return None
        except (MemoryError, RecursionError):
            tree = None
        deep = len(self.text) > MAX_DEPTH  # each level takes a character
        if tree is None or (deep and _depth(tree) > MAX_DEPTH):
            message = f"an expression may be nested {MAX_DEPTH} deep, this one is deeper"
            report(fault("K033", message, self.span, help="compute it in steps"))
            return None
        return tree

    def _syntax_fault(self, cause: SyntaxError) -> Diagnostic:
        reason = (cause.msg or "").partition(". ")[0]
        at = min(cause.offset - 1 if cause.offset else len(self.text), len(self.text))
        if reason == "invalid syntax" and at == len(self.text):
            reason = "something is missing at its end"
        reason = _REASONS.get(reason, reason.replace("'", "`"))
        message = f"`{short(self.text)}` is not an expression: {reason}"
        span = self.positions.part(self.start + at, self.start + min(at + 1, len(self.text)))
        help = "expressions are written as in Python"
        return fault("K030", message, span, "reading stopped here", help=help)


def _depth(tree: ast.expr) -> int:
    """How deep a tree is. Found level by level: it may be too deep to recurse."""
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [
            inner
            for node in level
            for inner in ast.iter_child_nodes(node)
            if isinstance(inner, ast.expr)
        ]
    return depth
