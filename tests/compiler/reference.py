"""What a program does, said as plainly as possible: an oracle beside the interpreter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kitchen.ir.expr import EvaluationError, Expr, Value, evaluate
from kitchen.ir.program import Branch, Loop, Map, Op, Program, Region, Stage
from tests.compiler.toy_stages import FUNCTIONS, Cell, Lines

CLOSED = object()  #: what is left of a handle that was closed
Values = dict[Value, Any]


class Evaluator:
    """Runs a program one op after the other, each when its turn comes."""

    def __init__(self, functions: Mapping[str, Any] = FUNCTIONS) -> None:
        self.functions = functions
        self.lines = Lines()
        self.latest: dict[str, Any] = {}
        self.opened: dict[str, list[Cell]] = {}  #: by the op that opened them

    def run(self, program: Program) -> str | None:
        """Run a program; gives what went wrong, if something did."""
        outside: Values = {p.value: p.setting for p in program.params}
        error = None
        try:
            self.region(program.body, (), outside)
        except (ValueError, EvaluationError) as fault:
            error = str(fault)
            self.ending(program.on_failure, outside)
        self.ending(program.finally_, outside)
        return error

    def ending(self, region: Region, outside: Values) -> None:
        """Run what there is all for; an op whose input was never made is left out."""
        made = {
            p: self.latest[p.name]
            for p in region.params
            if p.name in self.latest and self.latest[p.name] is not CLOSED
        }
        values = {**outside, **made}
        for op in region.ops:
            try:
                self.op(op, values)
            except KeyError:
                continue

    def region(self, region: Region, given: tuple[Any, ...], outside: Values) -> tuple[Any, ...]:
        values = {**outside, **dict(zip(region.params, given, strict=True))}
        for op in region.ops:
            self.op(op, values)
        return tuple(self.read(expr, values) for expr in region.results)

    def op(self, op: Op, values: Values) -> None:
        match op:
            case Stage():
                found = self.stage(op, values)
            case Loop():
                found = self.loop(op, values)
            case Map():
                items = self.items(self.read(op.over, values))
                rows = [self.region(op.body, (item,), values) for item in items]
                found = tuple(list(column) for column in zip(*rows, strict=True))
                found = found if rows else tuple([] for _ in op.outputs)
            case Branch():
                taken = op.then if self.read(op.condition, values) else op.orelse
                found = self.region(taken, (), values)
        named = dict(zip(op.outputs, found, strict=True))
        values.update(named)
        self.latest.update({value.name: made for value, made in named.items()})

    def loop(self, op: Loop, values: Values) -> tuple[Any, ...]:
        state = tuple(self.read(expr, values) for expr in op.carry)
        items = self.items(self.read(op.over, values)) if op.over is not None else [None] * 1000
        most = len(items) if op.max is None else self.read(op.max, values)
        for item in items[: max(0, most)]:
            given = (item, *state) if op.over is not None else state
            inside = {**values, **dict(zip(op.body.params, given, strict=True))}
            if op.while_ is not None and not self.read(op.while_, inside):
                break
            body = op.body
            extra = () if op.until is None else (op.until,)
            ended = Region(params=body.params, ops=body.ops, results=body.results + extra)
            found = self.region(ended, given, values)
            state = found[: len(state)]
            if extra and found[-1]:
                break
        return state

    def stage(self, op: Stage, values: Values) -> tuple[Any, ...]:
        function = self.functions[op.stage]
        spec = function.spec
        given = {name: self.read(expr, values) for name, expr in op.inputs}
        keywords: dict[str, Any] = {use.port: self.lines for use in spec.ports}
        schema: Callable[..., Any] | None = function.__annotations__.get("config")
        if schema is not None:
            settings = {name: self.read(expr, values) for name, expr in op.config}
            keywords["config"] = function.__globals__[schema](**settings)
        result = function(*(given[wanted.name] for wanted in spec.inputs), **keywords)
        declared = result if len(spec.outputs) > 1 else (result,)[: len(spec.outputs)]
        if op.stage == "open_cell":
            self.opened.setdefault(op.name, []).append(declared[0])
        again = (CLOSED if wanted.closes else given[wanted.name] for wanted in spec.mutated)
        return (*declared, *again)

    def items(self, over: Any) -> list[Any]:
        return list(over.iterate()) if hasattr(over, "iterate") else list(over)

    def read(self, expr: Expr, values: Values) -> Any:
        return evaluate(expr, values.__getitem__)


def outcome(program: Program) -> tuple[list[str], str | None]:
    """What a program writes, in order, and what goes wrong in it."""
    evaluator = Evaluator()
    error = evaluator.run(program)
    return evaluator.lines.written, error


def opened(program: Program) -> tuple[dict[str, list[Cell]], str | None]:
    """The cells that a program opens, as it leaves them, and what goes wrong in it."""
    evaluator = Evaluator()
    error = evaluator.run(program)
    return evaluator.opened, error
