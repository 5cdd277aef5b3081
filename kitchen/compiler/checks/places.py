"""Where things stand: the key of a setting, the producer of a value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from kitchen.ir.diagnostic import Label
from kitchen.ir.expr import Apply, Expr, Get, Ref, Value
from kitchen.ir.program import Branch, Loop, Map, Op, Program, Stage
from kitchen.ir.source import Span
from kitchen.ir.walk import walk


def ops(program: Program) -> Iterator[Op]:
    """Every op of a program, in program order."""
    for region in (program.body, program.on_failure, program.finally_):
        yield from walk(region)


def stages(program: Program) -> Iterator[Stage]:
    """Every call of a stage, in program order."""
    return (op for op in ops(program) if isinstance(op, Stage))


def place(span: Span | None, text: str = "") -> Label | None:
    """A label, where there is a place for it."""
    return None if span is None else Label(span, text)


def places(*labels: Label | None) -> tuple[Label, ...]:
    """The labels that have a place."""
    return tuple(label for label in labels if label is not None)


def expression_span(expr: Expr, otherwise: Span | None = None) -> Span | None:
    """Where an expression stands: its own place, or that of its first part that has one."""
    if expr.span is not None:
        return expr.span
    parts = expr.args if isinstance(expr, Apply) else (expr.of,) if isinstance(expr, Get) else ()
    found = (expression_span(part) for part in parts)
    return next((span for span in found if span is not None), otherwise)


def key_of(name: str, value: Span | None) -> Span | None:
    """The key of a setting. Programs keep the place of its value; the key stands before that."""
    if value is None:
        return None
    at = value.source.text.rfind(name, 0, value.start)
    return value if at < 0 else Span(value.source, at, at + len(name))


def top_key(name: str, program: Program) -> Span | None:
    """A top-level key of the recipe."""
    if program.span is None:
        return None
    source = program.span.source
    found = re.compile(rf"^{name}(?=\s*:)", re.MULTILINE).search(source.text)
    return None if found is None else Span(source, *found.span())


class Producers:
    """Which op makes each value; worked out when the first fault asks."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def label(self, expr: Expr) -> Label | None:
        """The place that an expression's value comes from, if it is a plain read."""
        return self._labels.get(expr.value) if isinstance(expr, Ref) else None

    @cached_property
    def _labels(self) -> dict[Value, Label]:
        found: dict[Value, Label] = {}

        def note(value: Value, span: Span | None, text: str) -> None:
            if span is not None:
                found[value] = Label(span, text)

        for param in self.program.params:
            note(param.value, param.declared, f"declared here as `{param.value.type}`")
        for op in ops(self.program):
            if isinstance(op, Loop | Map) and op.body.params:
                for value in op.body.params:
                    note(value, op.span, "carried round this loop")
                if _has_item(op):
                    item = op.body.params[0]
                    note(item, op.span, f"each item here is `{item.type}`")
            for value in op.outputs:
                note(value, op.span, _made(op, value))
        return found


def _has_item(op: Loop | Map) -> bool:
    return isinstance(op, Map) or op.over is not None


def _made(op: Op, value: Value) -> str:
    match op:
        case Stage():
            return f"`{op.stage}` makes this `{value.type}`"
        case Branch() if value.type.is_optional:
            return "made only where this holds"
        case Branch():
            return "made on both sides of this"
        case Map():
            return "collected by this map"
        case _:
            return "left by this loop"
