"""Programs to JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from kitchen.ir.expr import Apply, Const, Expr, Get, Ref, Value
from kitchen.ir.program import (
    NO_ANNOTATIONS,
    Binding,
    Branch,
    Loop,
    Op,
    Parameter,
    Program,
    Region,
    Removal,
    Stage,
)
from kitchen.ir.serde.annotations import annotations_to_json
from kitchen.ir.source import Source, Span
from kitchen.ir.types import Type

VERSION = 1

Json = dict[str, Any]
Called = Callable[[Source], str]  #: what a document is called in what is written


def program_to_json(program: Program, *, spans: bool = True, called: Called | None = None) -> Json:
    """A program as what `json.dumps` takes. Without `spans`, removals are left out too."""
    return Writing(spans, called).program(program)


def constant_to_json(value: object) -> Any:
    """A constant; an object in it is `{"record": ...}`, or `{"float": "nan"}` and its like."""
    match value:
        case float() if not math.isfinite(value):
            return {"float": str(value)}
        case None | bool() | int() | float() | str():
            return value
        case list():
            return [constant_to_json(item) for item in value]
        case dict():
            return {"record": [[key, constant_to_json(item)] for key, item in value.items()]}
    raise TypeError(f"{value!r} is no constant a program can hold")


class Writing:
    """A program, or its tasks, being written: the table of types."""

    def __init__(self, spans: bool, called: Called | None = None) -> None:
        self.spans = spans
        self.called = called or (lambda source: source.name)
        self.types: list[Json] = []
        self.places: dict[Type, int] = {}
        self.names: dict[int, tuple[Type, int]] = {}  #: by identity, the type kept alive beside

    def program(self, program: Program) -> Json:
        written = {
            "version": VERSION,
            "name": program.name,
            "workflow": program.workflow,
            "types": self.types,
            "params": [self.parameter(parameter) for parameter in program.params],
            "bindings": [self.binding(binding) for binding in program.bindings],
            "body": self.region(program.body),
            "on_failure": self.region(program.on_failure),
            "finally": self.region(program.finally_),
        }
        if self.spans:
            written["removed"] = [self.removal(removal) for removal in program.removed]
        return self.placed(written, program.span)

    def placed(self, written: Json, span: Span | None, key: str = "span") -> Json:
        if self.spans and span is not None:
            line, column = span.source.position(span.start)
            written[key] = f"{self.called(span.source)}:{line}:{column}:{span.end - span.start}"
        return written

    def parameter(self, parameter: Parameter) -> Json:
        written = {
            "value": self.value(parameter.value),
            "setting": constant_to_json(parameter.setting),
            "origin": str(parameter.origin),
            "doc": parameter.doc,
        }
        return self.placed(self.placed(written, parameter.span), parameter.declared, "declared")

    def binding(self, binding: Binding) -> Json:
        config = [[name, constant_to_json(value)] for name, value in binding.config]
        written = {"port": binding.port, "adapter": binding.adapter, "config": config}
        return self.placed(written, binding.span)

    def removal(self, removal: Removal) -> Json:
        written = {
            "op": removal.op,
            "stage": removal.stage,
            "rewrite": removal.rewrite,
            "reason": removal.reason,
        }
        return self.placed(written, removal.span)

    def type(self, type_: Type) -> int:
        """The place of a type in the table."""
        known = self.names.get(id(type_))
        if known is not None:
            return known[1]
        place = self.places.get(type_)
        if place is None:
            written = {
                "name": type_.name,
                "kind": str(type_.kind),
                "args": [self.type(arg) for arg in type_.args],
                "fields": [[name, self.type(field)] for name, field in type_.fields],
            }
            place = self.places[type_] = len(self.types)
            self.types.append({key: part for key, part in written.items() if part != []})
        self.names[id(type_)] = (type_, place)
        return place

    def value(self, value: Value) -> list[Any]:
        return [value.name, value.index, self.type(value.type)]

    def expr(self, expr: Expr) -> Json:
        match expr:
            case Const(value=value):
                written = {"const": constant_to_json(value), "type": self.type(expr.type)}
            case Ref(value=value):
                written = {"ref": self.value(value)}
            case Get(of=of, name=name):
                written = {"get": name, "of": self.expr(of), "type": self.type(expr.type)}
            case Apply(op=op, args=args):
                parts = list(map(self.expr, args))
                written = {"apply": op, "args": parts, "type": self.type(expr.type)}
        return self.placed(written, expr.span)

    def region(self, region: Region) -> Json:
        written: Json = {
            "params": list(map(self.value, region.params)),
            "ops": list(map(self.op, region.ops)),
            "results": list(map(self.expr, region.results)),
        }
        return {key: part for key, part in written.items() if part}

    def named(self, pairs: Iterable[tuple[str, Expr]]) -> list[list[Any]]:
        return [[name, self.expr(expr)] for name, expr in pairs]

    def op(self, op: Op) -> Json:
        written: Json = {"kind": type(op).__name__.lower(), "name": op.name}
        match op:
            case Stage():
                written["stage"] = op.stage
                written["inputs"] = self.named(op.inputs)
                written["config"] = self.named(op.config)
                if op.annotations != NO_ANNOTATIONS:
                    written["annotations"] = annotations_to_json(op.annotations)
            case Branch():
                written["condition"] = self.expr(op.condition)
                written["then"] = self.region(op.then)
                written["else"] = self.region(op.orelse)
            case _:
                for key in CLAUSES:
                    clause: Expr | None = getattr(op, FIELDS.get(key, key), None)
                    if clause is not None:
                        written[key] = self.expr(clause)
                if isinstance(op, Loop):
                    written["carry"] = list(map(self.expr, op.carry))
                written["body"] = self.region(op.body)
        written["outputs"] = list(map(self.value, op.outputs))
        return self.placed({key: part for key, part in written.items() if part != []}, op.span)


#: The single expressions of loops and maps, and where a field's name is not its key.
CLAUSES = ("over", "while", "until", "max", "checkpoint", "max_parallel")
FIELDS = {"while": "while_"}
