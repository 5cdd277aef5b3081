"""The text of an expression: its syntax tree, and where each part of it stands."""

from __future__ import annotations

import ast
import warnings

from kitchen.compiler.frontend.positions import part
from kitchen.compiler.frontend.report import Report, fault
from kitchen.compiler.frontend.syntax import Scalar
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.source import Span

MAX_LENGTH = 1000

#: What Python's parser says -> what that means here.
_REASONS = {
    "invalid syntax": "it does not go on like this",
    "too many nested parentheses": "its parentheses are nested too deep",
}


class ExpressionText:
    """What a scalar holds from `start` to `end`, taken as an expression."""

    def __init__(self, scalar: Scalar, start: int, end: int) -> None:
        written = scalar.text[start:end]
        self.scalar = scalar
        self.start = start + len(written) - len(written.lstrip())
        self.text = written.strip().replace("\r", " ").replace("\n", " ")
        self.span = part(scalar, start, end)

    def part(self, start: int, end: int) -> Span:
        """The place of a part, counted in UTF-8 bytes as Python's syntax trees do."""
        if not self.text.isascii():
            encoded = self.text.encode()
            start, end = len(encoded[:start].decode()), len(encoded[:end].decode())
        return part(self.scalar, self.start + start, self.start + end)

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
                return ast.parse(self.text, mode="eval").body
        except SyntaxError as cause:
            report(self._syntax_fault(cause))
        except (ValueError, MemoryError, RecursionError):
            message = "this expression is nested too deep, or holds what cannot be read"
            report(fault("K033", message, self.span, help="compute it in steps"))
        return None

    def _syntax_fault(self, cause: SyntaxError) -> Diagnostic:
        reason = (cause.msg or "").partition(". ")[0]
        at = cause.offset - 1 if cause.offset else len(self.text)
        at = min(at, len(self.text))
        if at == len(self.text):
            reason = "something is missing at its end"
        reason = _REASONS.get(reason, reason)
        shown = self.text if len(self.text) <= 40 else f"{self.text[:37]}..."
        message = f"`{shown}` is not an expression: {reason}"
        span = part(self.scalar, self.start + at, self.start + min(at + 1, len(self.text)))
        help = "expressions are written as in Python"
        return fault("K030", message, span, "reading stopped here", help=help)
