"""A chain of tasks written out for engines: growth, and bytes beside Hera's and KFP's."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from kitchen.compiler.compile import Compiled, compile_recipe
from kitchen.compiler.export import Export, export_program
from kitchen.compiler.targets import TARGETS
from kitchen.ir.program import Program
from kitchen.ir.serde.plan import plan_bytes, plan_to_json
from kitchen.ir.task_graph import TaskGraph
from tools.bench.figure import Figure, pairs, seconds
from tools.bench.generated import RECIPE, registry, task_chain
from tools.bench.peers import available, hera_text, kfp_text

SMALL, LARGE = 1_000, 4_000
WORKFLOW = "workflow.yaml"


def compiled(count: int) -> Compiled:
    return compile_recipe(RECIPE, registry(task_chain(count)))


def exported(target: str, program: Compiled, count: int) -> Export:
    """The files of an export, from a compiled program: partition, plan, emit, README."""

    def plan(program: Program, graph: TaskGraph) -> bytes:
        return plan_bytes(plan_to_json(program, graph, recipe=RECIPE))

    stages = registry(task_chain(count))
    made = export_program(program, stages, TARGETS[target], plan, command="kitchen", base=".")
    assert sum(1 for _ in made.graph.tasks()) == count
    return made


def export(target: str, count: int) -> Callable[[], object]:
    """An export of so many tasks; the program is compiled before."""
    program = compiled(count)
    return lambda: exported(target, program, count)


def measure() -> Iterator[Figure]:
    for target in TARGETS:
        small, large = seconds(export(target, SMALL)), seconds(export(target, LARGE))
        ours, theirs, ratio = pairs(
            lambda large=large: large() / LARGE * 1e3,  # type: ignore[misc]
            lambda small=small: small() / SMALL * 1e3,  # type: ignore[misc]
            count=3,
        )
        yield Figure(
            name=f"export to {target}, {SMALL:,} tasks",
            peer=f"kitchen with {LARGE:,}, per {SMALL:,}",
            ours=theirs,
            theirs=ours,
            ratio=theirs / ours,
            unit="s",
            bound=1.0,
            bounds_ours=True,
        )
        yield Figure(
            name=f"export to {target}, {LARGE:,} tasks: per task",
            peer=f"kitchen with {SMALL:,}",
            ours=ours,
            theirs=theirs,
            ratio=ratio,
            unit="ms",
            bound=1.3,
        )
    yield from _bytes()


def _bytes() -> Iterator[Figure]:
    """Bytes of a task in the object that an engine keeps, all of them as compact JSON."""
    files = exported("argo", compiled(SMALL), SMALL).files
    ours = _compact(files[WORKFLOW].decode()) / SMALL
    peers = {"Hera": ("hera", hera_text), "KFP": ("kfp", kfp_text)}
    for name, text in available(peers, dict.fromkeys(peers, SMALL)):
        theirs = _compact(str(text())) / SMALL
        yield Figure(
            name="argo object: per task",
            peer=name,
            ours=ours,
            theirs=theirs,
            ratio=ours / theirs,
            unit="bytes",
            bound=1.0,
        )


def _compact(text: str) -> int:
    """The bytes of YAML documents as JSON without spaces."""
    yaml: Any = importlib.import_module("yaml")
    documents = [*yaml.load_all(text, yaml.CSafeLoader)]
    return len(json.dumps(documents, separators=(",", ":")).encode())
