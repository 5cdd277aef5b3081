"""Programs from JSON, checked as they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from kitchen.ir.expr import LAZY, OPERATORS, Apply, Const, Expr, Get, Ref, Value
from kitchen.ir.program import (
    Binding,
    Branch,
    Loop,
    Map,
    Op,
    Origin,
    Parameter,
    Program,
    Region,
    Removal,
    Stage,
)
from kitchen.ir.serde.annotations import annotations_from_json
from kitchen.ir.serde.shapes import FormatError, Object, constant_from_json, pair, shown
from kitchen.ir.serde.writing import VERSION
from kitchen.ir.source import Source, Span
from kitchen.ir.types import Kind, Type

T = TypeVar("T")

_NO_SOURCES: Mapping[str, Source] = {}


def program_from_json(data: object, sources: Mapping[str, Source] = _NO_SOURCES) -> Program:
    """The program that `program_to_json` wrote. Spans in `sources` come back, others do not.

    Raises FormatError for anything else.
    """
    if not isinstance(data, dict) or "version" not in data:
        raise FormatError("this is no program: it has no `version`")
    if data["version"] != VERSION:
        raise FormatError(f"version {data['version']!r} is not known here; this reads {VERSION}")
    try:
        return Reading(data, sources).program()
    except RecursionError as cause:
        raise FormatError("the program is nested too deeply") from cause


class Reading:
    """A program, or its tasks, being read: types by place, each value once."""

    def __init__(
        self, data: dict[str, Any], sources: Mapping[str, Source], what: str = "the program"
    ) -> None:
        self.top = Object(data, what)
        self.sources = sources
        self.types: list[Type] = []
        self.values: dict[tuple[str, int, int], Value] = {}
        for entry in self.top.get("types", list):
            self.types.append(self.read_type(Object(entry, f"type {len(self.types)}")))

    def program(self) -> Program:
        top = self.top
        return Program(
            name=top.get("name", str),
            workflow=top.get("workflow", str),
            params=self.each(top.items("params"), self.parameter),
            body=self.region(top.get("body", dict)),
            on_failure=self.region(top.get("on_failure", dict)),
            finally_=self.region(top.get("finally", dict)),
            bindings=self.each(top.items("bindings"), self.binding),
            removed=self.each(top.items("removed"), self.removal),
            span=self.span(top),
        )

    def each(self, items: list[Any], read: Callable[[Any], T]) -> tuple[T, ...]:
        return tuple([read(item) for item in items])

    def span(self, owner: Object, key: str = "span") -> Span | None:
        if key not in owner.data:
            return None
        text = owner.get(key, str)
        name, *numbers = text.rsplit(":", 3)
        if len(numbers) != 3 or not all(number.isdecimal() for number in numbers):
            raise FormatError(f"`{key}` of {owner.what} is {text!r}, not file:line:column:length")
        source = self.sources.get(name)
        if source is None:
            return None
        line, column, size = map(int, numbers)
        start = source.offset(line - 1, column - 1)
        return Span(source, start, start + size)

    def parameter(self, data: Any) -> Parameter:
        found = Object(data, "a parameter")
        origin = found.get("origin", str)
        if origin not in set(Origin):
            raise FormatError(f"the origin of a parameter is {origin!r}")
        return Parameter(
            value=self.value(found.get("value", list)),
            setting=constant_from_json(found.get("setting", object)),
            origin=Origin(origin),
            doc=found.get("doc", str),
            span=self.span(found),
            declared=self.span(found, "declared"),
        )

    def binding(self, data: Any) -> Binding:
        found = Object(data, "a binding")
        pairs = (pair(entry, "a binding") for entry in found.items("config"))
        return Binding(
            port=found.get("port", str),
            adapter=found.get("adapter", str),
            config=tuple((name, constant_from_json(value)) for name, value in pairs),
            span=self.span(found),
        )

    def removal(self, data: Any) -> Removal:
        found = Object(data, "a removal")
        op, stage = found.get("op", str), found.get("stage", str)
        rewrite, reason = found.get("rewrite", str), found.get("reason", str)
        return Removal(op=op, stage=stage, rewrite=rewrite, reason=reason, span=self.span(found))

    def read_type(self, found: Object) -> Type:
        kind = found.get("kind", str)
        if kind not in set(Kind):
            raise FormatError(f"the kind of {found.what} is {kind!r}")
        fields = (pair(entry, found.what) for entry in found.items("fields"))
        return Type(
            found.get("name", str),
            Kind(kind),
            self.each(found.items("args"), self.type),
            tuple((name, self.type(place)) for name, place in fields),
        )

    def type(self, place: object) -> Type:
        if not isinstance(place, int) or not 0 <= place < len(self.types):
            raise FormatError(f"there is no type {shown(place)}")
        return self.types[place]

    def value(self, data: object) -> Value:
        match data:
            case [str() as name, int() as index, int() as place] if not isinstance(index, bool):
                key = (name, index, place)
                known = self.values.get(key)
                if known is None:
                    known = self.values[key] = Value(name, index, self.type(place))
                return known
        raise FormatError(f"{shown(data)} is no value: a name, a version and a type")

    def expr(self, data: object) -> Expr:
        found = Object(data, "an expression")
        span = self.span(found)
        if "ref" in found.data:
            return Ref(self.value(found.data["ref"]), span)
        type_ = self.type(found.data.get("type"))
        if "const" in found.data:
            return Const(constant_from_json(found.data["const"]), type_, span)
        if "get" in found.data:
            return Get(self.expr(found.data.get("of")), found.get("get", str), type_, span)
        op = found.get("apply", str)
        if op not in OPERATORS and op not in LAZY:
            raise FormatError(f"there is no operator {op!r}")
        return Apply(op, self.each(found.get("args", list), self.expr), type_, span)

    def region(self, data: object) -> Region:
        found = Object(data, "a region")
        return Region(
            params=self.each(found.items("params"), self.value),
            ops=self.each(found.items("ops"), self.op),
            results=self.each(found.items("results"), self.expr),
        )

    def named(self, pairs: list[Any]) -> tuple[tuple[str, Expr], ...]:
        return tuple([(name, self.expr(e)) for name, e in (pair(p, "a stage") for p in pairs)])

    def clause(self, found: Object, key: str) -> Expr | None:
        return self.expr(found.data[key]) if key in found.data else None

    def op(self, data: Any) -> Op:
        found = Object(data, "an op")
        name, kind = found.get("name", str), found.get("kind", str)
        found.what = f"{kind} `{name}`"
        outputs = self.each(found.items("outputs"), self.value)
        match kind:
            case "stage":
                return self.stage(found, name, outputs)
            case "loop":
                return self.loop(found, name, outputs)
            case "map":
                return self.map(found, name, outputs)
            case "branch":
                return self.branch(found, name, outputs)
        raise FormatError(f"op `{name}` is of the unknown kind {kind!r}")

    def stage(self, found: Object, name: str, outputs: tuple[Value, ...]) -> Stage:
        return Stage(
            name=name,
            stage=found.get("stage", str),
            inputs=self.named(found.items("inputs")),
            config=self.named(found.items("config")),
            outputs=outputs,
            annotations=annotations_from_json(found.maybe("annotations", dict)),
            span=self.span(found),
        )

    def loop(self, found: Object, name: str, outputs: tuple[Value, ...]) -> Loop:
        return Loop(
            name=name,
            over=self.clause(found, "over"),
            while_=self.clause(found, "while"),
            until=self.clause(found, "until"),
            max=self.clause(found, "max"),
            checkpoint=self.clause(found, "checkpoint"),
            carry=self.each(found.items("carry"), self.expr),
            body=self.region(found.get("body", dict)),
            outputs=outputs,
            span=self.span(found),
        )

    def map(self, found: Object, name: str, outputs: tuple[Value, ...]) -> Map:
        return Map(
            name=name,
            over=self.expr(found.get("over", dict)),
            max_parallel=self.clause(found, "max_parallel"),
            body=self.region(found.get("body", dict)),
            outputs=outputs,
            span=self.span(found),
        )

    def branch(self, found: Object, name: str, outputs: tuple[Value, ...]) -> Branch:
        return Branch(
            name=name,
            condition=self.expr(found.get("condition", dict)),
            then=self.region(found.get("then", dict)),
            orelse=self.region(found.get("else", dict)),
            outputs=outputs,
            span=self.span(found),
        )
