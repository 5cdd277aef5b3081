"""The ops of a plan: what each takes and gives, how it is set, how often it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitchen.compiler.counts import Runs
from kitchen.ir.expr import Const, Expr, Ref, Value
from kitchen.ir.infix import infix
from kitchen.ir.program import NO_ANNOTATIONS, Annotations, Branch, Loop, Map, Op, Region, Stage
from kitchen.ir.source import Span
from kitchen.ir.spec import Registry

Json = dict[str, Any]


class OpsAsJson:
    """Ops as JSON, with the registry and the counts that describe them."""

    def __init__(self, registry: Registry, runs: Mapping[str, Runs]) -> None:
        self.registry, self.runs = registry, runs

    def region(self, region: Region) -> list[Json]:
        return [self.op(op) for op in region.ops]

    def op(self, op: Op) -> Json:
        match op:
            case Stage():
                special = self.stage(op)
            case Loop():
                special = self.loop(op)
            case Map():
                special = self.map(op)
            case Branch():
                special = self.branch(op)
        kind = type(op).__name__.lower()
        times = self.runs[op.name].times.known
        return {"kind": kind, "name": op.name, "span": place(op.span), "times": times} | special

    def stage(self, op: Stage) -> Json:
        spec = self.registry.stages[op.stage]
        given = dict(op.config)
        made = len(spec.outputs)
        outputs: list[Json] = [_value(value) for value in op.outputs[:made]]
        for changed, value in zip(spec.mutated, op.outputs[made:], strict=True):
            how = "closes" if changed.closes else "updates"
            outputs.append(_value(value) | {how: changed.name})
        return {
            "stage": op.stage,
            "effect": spec.effect.value,
            "ports": [use.port for use in spec.ports],
            "inputs": {name: _source(expr) for name, expr in op.inputs},
            "config": {key: plain(e.value) for key, e in given.items() if isinstance(e, Const)},
            "computed": {key: infix(e) for key, e in given.items() if not isinstance(e, Const)},
            "defaults": {
                setting.name: plain(setting.default)
                for setting in spec.config
                if not setting.required
            },
            "outputs": outputs,
            "annotations": annotations_as_json(op.annotations),
        }

    def loop(self, op: Loop) -> Json:
        variables = op.body.params[: len(op.body.params) - len(op.carry)]
        carried = op.body.params[len(variables) :]
        parts = zip(carried, op.carry, op.body.results, op.outputs, strict=True)
        return self.repeated(op) | {
            "variable": _value(variables[0]) if variables else None,
            "over": _text(op.over),
            "while": _text(op.while_),
            "until": _text(op.until),
            "max": _text(op.max),
            "checkpoint": _text(op.checkpoint),
            "carry": [
                _value(inside) | {"from": _source(start), "next": _source(result)}
                for inside, start, result, _ in parts
            ],
            "outputs": [_value(value) for value in op.outputs],
            "ops": self.region(op.body),
        }

    def map(self, op: Map) -> Json:
        gathered = zip(op.outputs, op.body.results, strict=True)
        return self.repeated(op) | {
            "variable": _value(op.body.params[0]),
            "over": _text(op.over),
            "max_parallel": _text(op.max_parallel),
            "outputs": [_value(value) | {"of": _source(one)} for value, one in gathered],
            "ops": self.region(op.body),
        }

    def repeated(self, op: Loop | Map) -> Json:
        runs = self.runs[op.name]
        assert runs.trips is not None
        assert runs.iterations is not None
        return {"trips": runs.trips.known, "iterations": runs.iterations.known}

    def branch(self, op: Branch) -> Json:
        sides = zip(op.outputs, op.then.results, op.orelse.results, strict=True)
        return {
            "condition": infix(op.condition),
            "outputs": [
                _value(value) | {"then": _source(then), "else": _source(orelse)}
                for value, then, orelse in sides
            ],
            "then": self.region(op.then),
            "else": self.region(op.orelse),
        }


def _value(value: Value) -> Json:
    return {"name": value.name, "value": str(value), "type": str(value.type)}


def _text(expr: Expr | None) -> str | None:
    return None if expr is None else infix(expr)


def _source(expr: Expr) -> str | None:
    """Where a value comes from: `%value`, an expression, or nothing at all."""
    match expr:
        case Ref(value=value):
            return str(value)
        case Const(value=None):
            return None
    return infix(expr)


def annotations_as_json(annotations: Annotations) -> Json:
    """What is annotated, by name; what is not is left out."""
    if annotations == NO_ANNOTATIONS:
        return {}
    given = {
        "retry": annotations.retry,
        "timeout": annotations.timeout,
        "resources": annotations.resources,
        "cache": annotations.cache,
        "image": annotations.image,
    }
    return {key: plain(value) for key, value in given.items() if value is not None}


def plain(value: Any) -> Any:
    """Lists for tuples, and the fields of a record that are given: as JSON gives them back."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    slots = getattr(value, "__slots__", ())
    fields = {name: getattr(value, name) for name in slots}
    return {name: part for name, part in fields.items() if part is not None} if slots else value


def place(span: Span | None) -> str | None:
    """file:line:column"""
    return None if span is None else str(span)
