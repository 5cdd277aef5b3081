"""A target for tests of what is the same for all: it writes down what it is given."""

from __future__ import annotations

import json
from collections.abc import Mapping

from kitchen.compiler.targets.target import Exported, Files, Guide, Target
from kitchen.ir.diagnostic import Diagnostic, Label
from kitchen.ir.program import Loop, Program
from kitchen.ir.task_graph import Group, TaskGraph


def whole(program: Program, graph: TaskGraph) -> Mapping[str, str]:
    """Loops stay whole: the outermost of those that are cut, so that asking again is worth it."""
    groups = [node for node in graph.nodes if isinstance(node, Group)]
    loops = {group.name: "toys do not go round" for group in groups if isinstance(group.op, Loop)}
    if loops:
        return loops
    return {
        name: reason
        for group in groups
        for inner in group.graphs
        for name, reason in whole(program, inner).items()
    }


def emit(exported: Exported) -> tuple[Files, tuple[Diagnostic, ...]]:
    """The names of the tasks; a section with `loud` in it is refused at its place."""
    section, found = exported.section, []
    if section is not None and "loud" in section.values:
        at = Label(section.keys[("loud",)], "toys are quiet")
        found.append(Diagnostic("K599", "the toy target has no setting `loud`", at))
    names = [task.name for task in exported.graph.tasks()]
    files = {"workflow.json": json.dumps(names).encode(), "more/plan-size": b"1"}
    return files, tuple(found)


def guide(exported: Exported) -> Guide:
    return Guide(
        submit=("toy submit workflow.json", "toy watch", "toy logs"),
        settings=(("run", "the folder of the run"),),
        lowered=(("turn", "stays a loop", "it is | small"),),
        data=("The toy reads nothing.",),
        notes=("A toy.",),
    )


TOY = Target(name="argo", doc="Toys.", whole=whole, emit=emit, guide=guide)
