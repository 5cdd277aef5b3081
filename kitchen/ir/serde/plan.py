"""The plan file: all that a task needs to know to run by itself, on whatever machine.

It holds the program's parameters and adapters, its tasks with their regions, and the text that they
were compiled from. A checksum tells whether it is what was written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from kitchen.ir.frozen import frozen
from kitchen.ir.program import EMPTY, Program, Region
from kitchen.ir.serde import digest
from kitchen.ir.serde.reading import program_from_json
from kitchen.ir.serde.shapes import FormatError, Object, of
from kitchen.ir.serde.tasks import task_graph_from_json, task_graph_to_json
from kitchen.ir.serde.writing import Called, Json, program_to_json
from kitchen.ir.source import Source, Span
from kitchen.ir.task_graph import Group, TaskGraph
from kitchen.ir.walk import exprs, walk

VERSION = 1

LARGEST = 1 << 30  #: bytes of a plan that was compressed
_GZIP = b"\x1f\x8b"


class PlanError(FormatError):
    """What was given is no plan that can be run here: the code of the fault, and its cure."""

    def __init__(self, code: str, message: str, help: str) -> None:
        super().__init__(message)
        self.code, self.help = code, help


@frozen(kw_only=True)
class Plan:
    """A plan that was read. `program` has parameters and bindings; what runs is in `graph`.

    `digest` names the whole program, `checksum` the whole file. `base` is the folder of the
    recipe's data, relative to the plan's. `overrides` are the `--set` values by name.
    """

    program: Program
    graph: TaskGraph
    recipe: Source
    base: str
    digest: str
    checksum: str
    overrides: Mapping[str, str] = field(default_factory=dict)


def plan_to_json(
    program: Program,
    graph: TaskGraph,
    *,
    recipe: Source,
    base: str = ".",
    overrides: Mapping[str, str] | None = None,
    called: Called | None = None,
) -> Json:
    """The content of a plan file. `called` says what each document is called in it."""
    called = called or (lambda source: source.name)
    shared = replace(program, body=EMPTY, on_failure=EMPTY, finally_=EMPTY, removed=())
    sources = {called(source): source for source in (*_sources(shared, graph), recipe)}
    content: Json = {
        "version": VERSION,
        "recipe": program.name,
        "workflow": program.workflow,
        "digest": digest(program),
        "source": called(recipe),
        "base": base,
        "overrides": dict(overrides or {}),
        "sources": {name: sources[name].text for name in sorted(sources)},
        "program": program_to_json(shared, called=called),
        "tasks": task_graph_to_json(graph, called),
    }
    return {**content, "checksum": _checksum(content)}


def plan_bytes(plan: Mapping[str, Any]) -> bytes:
    """A plan as it is written to a file: one line for each part."""
    parts = (f"{json.dumps(key)}: {json.dumps(part)}" for key, part in plan.items())
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode()


def unpacked(data: bytes) -> bytes:
    """A plan as it was written, if it was compressed for its journey; any other as it is.

    Raises OSError where it cannot be unpacked.
    """
    if not data.startswith(_GZIP):
        return data
    import gzip
    import io
    import zlib

    try:
        with gzip.open(io.BytesIO(data)) as file:
            plain = file.read(LARGEST + 1)
    except (EOFError, zlib.error) as cause:
        raise OSError("it is cut short, or not as it was compressed") from cause
    if len(plain) > LARGEST:
        raise OSError(f"it has more than {LARGEST >> 20} MiB when it is unpacked")
    return plain


def read_plan(data: bytes) -> Plan:
    """The plan in a file's bytes. Raises PlanError."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as cause:
        raise _no_plan("it is no JSON") from cause
    return plan_from_json(content)


def plan_from_json(data: object) -> Plan:
    """The plan that `plan_to_json` wrote. Raises PlanError for anything else."""
    if not isinstance(data, dict) or not data.keys() >= {"version", "tasks", "checksum"}:
        raise _no_plan("it has no tasks")
    if data["version"] != VERSION:
        raise PlanError(
            "K503",
            f"the plan is of version {data['version']!r}, and {VERSION} is read here",
            "write it again by the kitchen that is to run it: `kitchen export`",
        )
    content = {key: part for key, part in data.items() if key != "checksum"}
    if data["checksum"] != _checksum(content):
        raise PlanError(
            "K504",
            "the plan is not as it was written: its checksum differs",
            "a plan is never edited; change the recipe, and write it again by `kitchen export`",
        )
    try:
        return _read(Object(data, "the plan"))
    except FormatError as cause:
        raise _no_plan(str(cause)) from cause


def _read(found: Object) -> Plan:
    texts = {name: of(str, text, "a source") for name, text in found.get("sources", dict).items()}
    sources = {name: Source(name, text) for name, text in texts.items()}
    name = found.get("source", str)
    if name not in sources:
        raise FormatError("the text of its recipe is missing")
    overrides = found.get("overrides", dict)
    return Plan(
        program=program_from_json(found.get("program", dict), sources),
        graph=task_graph_from_json(found.get("tasks", dict), sources),
        recipe=sources[name],
        base=found.get("base", str),
        digest=found.get("digest", str),
        checksum=found.get("checksum", str),
        overrides={key: of(str, value, "an override") for key, value in overrides.items()},
    )


def _no_plan(why: str) -> PlanError:
    help = "`kitchen export RECIPE --to TARGET -o DIR` writes a `plan.json`"
    return PlanError("K502", f"this is no plan of tasks: {why}", help)


def _checksum(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


# ---------------------------------------------------------------------------------------- sources


def _sources(program: Program, graph: TaskGraph) -> Iterator[Source]:
    """Every document that a span of the program or its tasks lies in."""
    spans = [program.span, *(binding.span for binding in program.bindings)]
    for parameter in program.params:
        spans += [parameter.span, parameter.declared]
    yield from (span.source for span in (*spans, *_spans(graph)) if span is not None)


def _spans(graph: TaskGraph) -> Iterator[Span | None]:
    for node in graph.nodes:
        if isinstance(node, Group):
            yield from _of_region(Region(ops=(node.op,)))
            for inner in node.graphs:
                yield from _spans(inner)
        else:
            for region in (node.region, node.on_failure, node.finally_):
                yield from _of_region(region)


def _of_region(region: Region) -> Iterator[Span | None]:
    yield from (expr.span for expr in region.results)
    for op in walk(region):
        yield op.span
        yield from (expr.span for expr in exprs(op))
