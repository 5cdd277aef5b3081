"""Why an op was removed, in words that lead back to the line of the recipe that decided it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from kitchen.ir.expr import Const, Expr
from kitchen.ir.program import Branch, Op, Origin, Parameter, Program, Region, Removal, Stage
from kitchen.ir.source import Span
from kitchen.ir.walk import regions

_NAME = re.compile(r"[A-Za-z_]\w*")
_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"")  #: a word in quotes is no name


def decided(program: Program, condition: Const) -> str:
    """That a condition is known, and which parameters made it so."""
    outcome = "true" if condition.value else "false"
    if condition.span is None:
        return f"its condition is {outcome}"
    text = condition.span.text
    for parameter in _read_in(program, condition.span):
        if parameter.value.name == text:
            return f"`{text}` is {outcome} ({_origin(parameter)})"
    return f"`{text}` is {outcome}{because(program, condition.span)}"


def because(program: Program, span: Span | None) -> str:
    """The parameters that a piece of a template reads, with their values: `: epochs = 0 (…)`."""
    read = [] if span is None else [_setting(each) for each in _read_in(program, span)]
    return f": {', '.join(read)}" if read else ""


def _read_in(program: Program, span: Span) -> list[Parameter]:
    words = set(_NAME.findall(_TEXT.sub("", span.text)))
    return [
        parameter
        for parameter in program.params
        if parameter.value.name in words and _in_sight(parameter, span)
    ]


def _in_sight(parameter: Parameter, span: Span) -> bool:
    """A template that is inlined may have parameters of the same name."""
    return parameter.declared is None or parameter.declared.source == span.source


def _setting(parameter: Parameter) -> str:
    value = json.dumps(parameter.setting, default=str)
    return f"{parameter.value.name} = {value} ({_origin(parameter)})"


def _origin(parameter: Parameter) -> str:
    if parameter.origin is Origin.RECIPE and parameter.span is not None:
        return f"recipe line {parameter.span.line}"
    return str(parameter.origin)


def place(span: Span | None, seen_from: Span | None) -> str:
    """` at line 12`, or with the file's name where that is another file."""
    if span is None:
        return ""
    if seen_from is not None and span.source.name == seen_from.source.name:
        return f" at line {span.line}"
    return f" at {span.source.name}:{span.line}"


def written(expr: Expr | None, otherwise: str) -> str:
    """An expression as the recipe spells it."""
    span = None if expr is None else expr.span
    return otherwise if span is None else f"`{span.text}`"


def listed(names: Iterable[str]) -> str:
    """`a`, `b` or `c`."""
    quoted = [f"`{name}`" for name in dict.fromkeys(names)]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def removals(region: Region, rewrite: str, reason: str) -> Iterator[Removal]:
    """A removal for each op of a region that a person wrote as a step of its own."""
    for op in region.ops:
        yield from removal(op, rewrite, reason)


def removal(op: Op, rewrite: str, reason: str) -> Iterator[Removal]:
    """What is said of an op that goes: a loop as a whole, a branch by what it guards."""
    match op:
        case Stage():
            yield Removal(op=op.name, stage=op.stage, rewrite=rewrite, reason=reason, span=op.span)
        case Branch():
            for inner in regions(op):
                yield from removals(inner, rewrite, reason)
        case _:
            yield Removal(op=op.name, stage="", rewrite=rewrite, reason=reason, span=op.span)
