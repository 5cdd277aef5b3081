"""The plan: a program as people and scripts read it; `docs/plan-json.md` describes its fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kitchen.compiler.counts import ONCE, Count, Runs, count
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.expr import Const, Expr, Ref, Value
from kitchen.ir.formats import render_json
from kitchen.ir.infix import infix
from kitchen.ir.program import (
    NO_ANNOTATIONS,
    Annotations,
    Binding,
    Branch,
    Loop,
    Map,
    Op,
    Program,
    Region,
    Stage,
)
from kitchen.ir.serde import digest
from kitchen.ir.source import Span
from kitchen.ir.spec import Registry, StageSpec
from kitchen.ir.walk import walk

VERSION = 1

Json = dict[str, Any]


def plan_of(program: Program, registry: Registry, diagnostics: Iterable[Diagnostic] = ()) -> Json:
    """The plan of a program, ready for JSON: what runs, how often, and what was removed."""
    runs = count(program)
    ops = _Ops(registry, runs)
    return {
        "version": VERSION,
        "digest": digest(program),
        "recipe": program.name,
        "workflow": program.workflow,
        "params": {param.value.name: _param(param) for param in program.params},
        "ports": _ports(program, registry),
        "ops": ops.region(program.body),
        "on_failure": ops.region(program.on_failure),
        "finally": ops.region(program.finally_),
        "totals": _totals(program, runs),
        "removed": [
            {
                "op": removal.op,
                "stage": removal.stage,
                "rewrite": removal.rewrite,
                "reason": removal.reason,
                "span": _place(removal.span),
            }
            for removal in program.removed
        ],
        "diagnostics": render_json(diagnostics),
    }


def _place(span: Span | None) -> str | None:
    """file:line:col"""
    return None if span is None else str(span)


def _param(param: Any) -> Json:
    return {
        "value": _plain(param.setting),
        "type": str(param.value.type),
        "origin": param.origin.value,
        "doc": param.doc,
        "span": _place(param.span),
        "declared": _place(param.declared),
    }


class _Ops:
    """Ops as JSON; what the whole drawing knows rides along."""

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
        return {"kind": kind, "name": op.name, "span": _place(op.span), "times": times} | special

    def stage(self, op: Stage) -> Json:
        spec = self.registry.stages[op.stage]
        given = dict(op.config)
        made = len(spec.outputs)
        outputs: list[Json] = [_value(value) for value in op.outputs[:made]]
        for changed, value in zip(spec.mutated, op.outputs[made:], strict=True):
            outputs.append(_value(value) | {"updates": changed.name})
        return {
            "stage": op.stage,
            "effect": spec.effect.value,
            "ports": [use.port for use in spec.ports],
            "inputs": {name: _source(expr) for name, expr in op.inputs},
            "config": {key: _plain(e.value) for key, e in given.items() if isinstance(e, Const)},
            "computed": {key: infix(e) for key, e in given.items() if not isinstance(e, Const)},
            "defaults": {
                setting.name: _plain(setting.default)
                for setting in spec.config
                if not setting.required
            },
            "outputs": outputs,
            "annotations": _annotations(op.annotations),
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


def _annotations(annotations: Annotations) -> Json:
    if annotations == NO_ANNOTATIONS:
        return {}
    given = {
        "retry": annotations.retry,
        "timeout": annotations.timeout,
        "resources": annotations.resources,
        "cache": annotations.cache,
        "image": annotations.image,
    }
    return {key: _plain(value) for key, value in given.items() if value is not None}


def _plain(value: Any) -> Any:
    """Lists for tuples, and the fields of a record that are given: as JSON gives them back."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    slots = getattr(value, "__slots__", ())
    fields = {name: getattr(value, name) for name in slots}
    return {name: part for name, part in fields.items() if part is not None} if slots else value


# ----------------------------------------------------------------------------------------- ports


def _ports(program: Program, registry: Registry) -> dict[str, Json]:
    users: dict[str, list[str]] = {}
    asked: dict[str, dict[str, None]] = {}
    for op, spec in _stages(program, registry):
        for use in spec.ports:
            users.setdefault(use.port, []).append(op.name)
            named = asked.setdefault(use.port, {})
            named.update((_capability(text, op, spec), None) for text in use.capabilities)
    return {
        binding.port: _port(binding, list(asked.get(binding.port, ())), users.get(binding.port, []))
        for binding in program.bindings
    }


def _port(binding: Binding, uses: list[str], stages: list[str]) -> Json:
    return {
        "adapter": binding.adapter,
        "config": _plain(dict(binding.config)),
        "uses": uses,
        "stages": stages,
        "span": _place(binding.span),
    }


def _capability(text: str, op: Stage, spec: StageSpec) -> str:
    """A capability with the settings it names filled in; one that is computed stays as it is."""
    given = dict(op.config)

    def setting(match: re.Match[str]) -> str:
        name = match[1]
        expr = given.get(name)
        if isinstance(expr, Const):
            return str(expr.value)
        declared = spec.setting(name)
        return match[0] if expr is not None or declared is None else str(declared.default)

    return re.sub(r"\{(\w+)\}", setting, text)


def _stages(program: Program, registry: Registry) -> Iterator[tuple[Stage, StageSpec]]:
    for region in (program.body, program.on_failure, program.finally_):
        for op in walk(region):
            if isinstance(op, Stage):
                yield op, registry.stages[op.stage]


# ---------------------------------------------------------------------------------------- totals


def _totals(program: Program, runs: Mapping[str, Runs]) -> Json:
    """Sums over the body: what `on_failure` and `finally` do is not work the recipe asked for."""
    ops = list(walk(program.body))
    calls: dict[str, Count] = {}
    for op in ops:
        if isinstance(op, Stage):
            calls[op.stage] = calls.get(op.stage, ONCE * Count(0, 0)) + runs[op.name].times
    iterations = {op.name: runs[op.name].iterations for op in ops if isinstance(op, (Loop, Map))}
    total = Count(0, 0)
    for times in calls.values():
        total += times
    return {
        "stages": sum(isinstance(op, Stage) for op in ops),
        "calls": total.known,
        "calls_by_stage": {name: times.known for name, times in calls.items()},
        "iterations": {name: made.known for name, made in iterations.items() if made is not None},
    }
