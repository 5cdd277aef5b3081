"""A task graph for scripts; `docs/plan-json.md` describes its fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from kitchen.compiler.partition.handles import stages_in
from kitchen.compiler.plan_ops import annotations_as_json
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.expr import Expr, Ref, Value
from kitchen.ir.formats import render_json
from kitchen.ir.program import Branch, Loop, Map, Program
from kitchen.ir.serde import digest
from kitchen.ir.task_graph import Edge, Group, Task, TaskGraph, travels

VERSION = 1

Json = dict[str, Any]


def tasks_of(program: Program, graph: TaskGraph, diagnostics: Iterable[Diagnostic] = ()) -> Json:
    """The tasks of a program, ready for JSON."""
    return {
        "version": VERSION,
        "digest": digest(program),
        "recipe": program.name,
        "workflow": program.workflow,
        **_graph(graph, Counter(name for task in graph.tasks() for name in task.repeated)),
        "diagnostics": render_json(diagnostics),
    }


def _graph(graph: TaskGraph, times: Mapping[str, int]) -> Json:
    return {
        "nodes": [
            _task(node, times) if isinstance(node, Task) else _group(node, times)
            for node in graph.nodes
        ],
        "edges": [_edge(edge) for edge in graph.edges],
    }


def _task(task: Task, times: Mapping[str, int]) -> Json:
    latest = dict(task.latest)
    return {
        "kind": "task",
        "name": task.name,
        "runs": task.runs.value,
        "ops": [
            {"kind": type(op).__name__.lower(), "name": op.name,
             "stages": [stage.name for stage in stages_in([op])]}
            for op in task.region.ops
        ],
        "repeated": [name for name in task.repeated if times[name] > 1],
        "inputs": [_value(value) for value in task.region.params if value not in latest],
        "outputs": [_value(value) for value in task.outputs],
        "latest": {str(value): list(map(str, versions)) for value, versions in task.latest},
        "on_failure": [op.name for op in task.on_failure.ops],
        "finally": [op.name for op in task.finally_.ops],
        "annotations": annotations_as_json(task.annotations),
        "reasons": [
            {"because": reason.because.value, "text": reason.text, "ops": list(reason.ops)}
            for reason in task.reasons
        ],
    }  # fmt: skip


def _group(group: Group, times: Mapping[str, int]) -> Json:
    op = group.op
    by: dict[str, Expr | None] = {}
    match op:
        case Branch():
            by = {"condition": op.condition}
        case Map():
            by = {"over": op.over, "max_parallel": op.max_parallel}
        case Loop():
            by = {"over": op.over, "until": op.until, "max": op.max}
    return {
        "kind": type(op).__name__.lower(),
        "name": group.name,
        "clauses": {name: {"text": text, "value": _read(by[name])} for name, text in group.clauses},
        "inputs": [_value(value) for value in group.reads],
        "outputs": [_value(value) for value in group.outputs],
        "graphs": [_graph(graph, times) for graph in group.graphs],
    }


def _read(expr: Expr | None) -> str | None:
    """The value that a clause is read from; None where it is known before the run."""
    return str(expr.value) if isinstance(expr, Ref) else None


def _edge(edge: Edge) -> Json:
    values = [_value(value) for value in edge.values]
    return {"source": edge.source, "target": edge.target, "values": values}


def _value(value: Value) -> Json:
    return {
        "name": value.name,
        "value": str(value),
        "type": str(value.type),
        "as": travels(value),
    }
