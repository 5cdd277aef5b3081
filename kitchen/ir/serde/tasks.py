"""Task graphs as JSON, and back: exact, with the regions that each task runs."""

from __future__ import annotations

from collections.abc import Mapping

from kitchen.ir.expr import Value
from kitchen.ir.program import EMPTY, NO_ANNOTATIONS, Branch, Loop, Map, Region
from kitchen.ir.serde.annotations import annotations_from_json, annotations_to_json
from kitchen.ir.serde.reading import Reading
from kitchen.ir.serde.shapes import FormatError, Object, of, pair, shown
from kitchen.ir.serde.writing import Called, Json, Writing
from kitchen.ir.source import Source
from kitchen.ir.task_graph import Because, Edge, Group, Node, Reason, Runs, Task, TaskGraph

VERSION = 1

_NO_SOURCES: Mapping[str, Source] = {}


def task_graph_to_json(graph: TaskGraph, called: Called | None = None) -> Json:
    """A task graph as what `json.dumps` takes."""
    writing = Writing(spans=True, called=called)
    return {"version": VERSION, "types": writing.types, **_graph_to_json(graph, writing)}


def task_graph_from_json(data: object, sources: Mapping[str, Source] = _NO_SOURCES) -> TaskGraph:
    """The task graph that `task_graph_to_json` wrote. Spans in `sources` come back.

    Raises FormatError for anything else.
    """
    if not isinstance(data, dict) or "version" not in data:
        raise FormatError("this is no task graph: it has no `version`")
    if data["version"] != VERSION:
        raise FormatError(f"version {data['version']!r} is not known here; this reads {VERSION}")
    try:
        reading = Reading(data, sources, "the task graph")
        return _graph_from_json(data, reading)
    except RecursionError as cause:
        raise FormatError("the task graph is nested too deeply") from cause


# ---------------------------------------------------------------------------------------- writing


def _graph_to_json(graph: TaskGraph, writing: Writing) -> Json:
    written: Json = {
        "nodes": [_node_to_json(node, writing) for node in graph.nodes],
        "edges": [
            [edge.source, edge.target, list(map(writing.value, edge.values))]
            for edge in graph.edges
        ],
    }
    return {key: part for key, part in written.items() if part}


def _node_to_json(node: Node, writing: Writing) -> Json:
    written = _task_to_json(node, writing) if isinstance(node, Task) else _group(node, writing)
    return {key: part for key, part in written.items() if part not in ([], {}, None)}


def _task_to_json(task: Task, writing: Writing) -> Json:
    return {
        "task": task.name,
        "runs": task.runs.value,
        "region": writing.region(task.region),
        "outputs": list(map(writing.value, task.outputs)),
        "annotations": (
            None if task.annotations == NO_ANNOTATIONS else annotations_to_json(task.annotations)
        ),
        "reasons": [
            [reason.because.value, reason.text, list(reason.ops)] for reason in task.reasons
        ],
        "repeated": list(task.repeated),
        "on_failure": writing.region(task.on_failure),
        "finally": writing.region(task.finally_),
        "latest": [
            [writing.value(value), list(map(writing.value, versions))]
            for value, versions in task.latest
        ],
    }


def _group(group: Group, writing: Writing) -> Json:
    return {
        "group": group.name,
        "op": writing.op(group.op),
        "graphs": [_graph_to_json(graph, writing) for graph in group.graphs],
        "clauses": [list(clause) for clause in group.clauses],
        "reads": list(map(writing.value, group.reads)),
    }


# ---------------------------------------------------------------------------------------- reading


def _graph_from_json(data: object, reading: Reading) -> TaskGraph:
    found = Object(data, "a task graph")
    return TaskGraph(
        nodes=reading.each(found.items("nodes"), lambda node: _node_from_json(node, reading)),
        edges=reading.each(found.items("edges"), lambda edge: _edge(edge, reading)),
    )


def _edge(data: object, reading: Reading) -> Edge:
    match data:
        case [str() as source, str() as target, list() as values]:
            return Edge(source, target, reading.each(values, reading.value))
    raise FormatError(f"{shown(data)} is no edge: two names and values")


def _node_from_json(data: object, reading: Reading) -> Node:
    found = Object(data, "a node")
    return _group_from_json(found, reading) if "group" in found.data else _task(found, reading)


def _task(found: Object, reading: Reading) -> Task:
    found.what = f"task `{found.get('task', str)}`"
    runs = found.get("runs", str)
    if runs not in set(Runs):
        raise FormatError(f"{found.what} runs {runs!r}")
    return Task(
        name=found.get("task", str),
        region=_region(found, "region", reading),
        outputs=reading.each(found.items("outputs"), reading.value),
        runs=Runs(runs),
        annotations=annotations_from_json(found.maybe("annotations", dict)),
        reasons=reading.each(found.items("reasons"), _reason),
        repeated=_names(found, "repeated"),
        on_failure=_region(found, "on_failure", reading),
        finally_=_region(found, "finally", reading),
        latest=reading.each(found.items("latest"), lambda entry: _versions(entry, reading)),
    )


def _region(found: Object, key: str, reading: Reading) -> Region:
    return reading.region(found.data[key]) if key in found.data else EMPTY


def _names(found: Object, key: str) -> tuple[str, ...]:
    return tuple(of(str, name, f"`{key}` of {found.what}") for name in found.items(key))


def _reason(data: object) -> Reason:
    match data:
        case [str() as because, str() as text, list() as ops] if because in set(Because):
            return Reason(Because(because), text, tuple(of(str, op, "a reason") for op in ops))
    raise FormatError(f"{shown(data)} is no reason")


def _versions(data: object, reading: Reading) -> tuple[Value, tuple[Value, ...]]:
    match data:
        case [value, list() as versions]:
            return reading.value(value), reading.each(versions, reading.value)
    raise FormatError(f"{shown(data)} is no value with its versions")


def _group_from_json(found: Object, reading: Reading) -> Group:
    name = found.get("group", str)
    found.what = f"group `{name}`"
    op = reading.op(found.get("op", dict))
    graphs = reading.each(found.items("graphs"), lambda data: _graph_from_json(data, reading))
    if not isinstance(op, Branch | Map | Loop) or len(graphs) != 1 + isinstance(op, Branch):
        raise FormatError(f"{found.what} has not the graphs of a branch, map or loop")
    clauses = (pair(entry, found.what) for entry in found.items("clauses"))
    return Group(
        name=name,
        op=op,
        graphs=graphs,
        clauses=tuple((clause, of(str, text, found.what)) for clause, text in clauses),
        reads=reading.each(found.items("reads"), reading.value),
    )
