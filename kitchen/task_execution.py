"""A compiled recipe in tasks: the plan that each of them reads, and a run of them all here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from kitchen.compiler.compile import Compiled
from kitchen.compiler.partition import partition
from kitchen.ir.diagnostic import demand
from kitchen.ir.serde.plan import plan_bytes, plan_to_json
from kitchen.ir.task_graph import TaskGraph
from kitchen.loaded import Loaded


def cut(loaded: Loaded, compiled: Compiled, whole: Mapping[str, str] | None = None) -> TaskGraph:
    """The tasks of a recipe's program. Raises CompileError where it cannot be cut."""
    graph, faults = partition(compiled.program, loaded.registry, whole)
    demand(faults)
    return graph


def plan_file(loaded: Loaded, compiled: Compiled, graph: TaskGraph, folder: Path) -> bytes:
    """The plan of some tasks, as it is to lie in a folder: data is found from there."""
    plan = plan_to_json(
        compiled.program,
        graph,
        recipe=loaded.source,
        base=os.path.relpath(loaded.path.resolve().parent, folder.resolve()),
        overrides=loaded.overrides,
    )
    return plan_bytes(plan)
