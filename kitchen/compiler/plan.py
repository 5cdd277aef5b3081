"""The plan: a program as people and scripts read it; `docs/plan-json.md` describes its fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kitchen.compiler.counts import ONCE, Count, Runs, count
from kitchen.compiler.plan_ops import OpsAsJson, place, plain
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.expr import Const
from kitchen.ir.formats import render_json
from kitchen.ir.program import (
    Binding,
    Loop,
    Map,
    Parameter,
    Program,
    Stage,
)
from kitchen.ir.serde import digest
from kitchen.ir.spec import Registry, StageSpec
from kitchen.ir.walk import walk

VERSION = 1

Json = dict[str, Any]


def plan_of(program: Program, registry: Registry, diagnostics: Iterable[Diagnostic] = ()) -> Json:
    """The plan of a program, ready for JSON: what runs, how often, and what was removed."""
    runs = count(program)
    ops = OpsAsJson(registry, runs)
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
                "span": place(removal.span),
            }
            for removal in program.removed
        ],
        "diagnostics": render_json(diagnostics),
    }


def _param(param: Parameter) -> Json:
    return {
        "value": plain(param.setting),
        "type": str(param.value.type),
        "origin": param.origin.value,
        "doc": param.doc,
        "span": place(param.span),
        "declared": place(param.declared),
    }


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
        "config": plain(dict(binding.config)),
        "uses": uses,
        "stages": stages,
        "span": place(binding.span),
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
