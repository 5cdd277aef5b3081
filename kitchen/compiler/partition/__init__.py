"""Partition: a program in tasks, each of which runs in a process of its own.

The rules, in the order in which they are applied:

1. Ops that use one handle (a session, a stream) are one task, through updates, loops and branches.
   A pure maker of a handle that nobody updates (a tokenizer, a stream) is repeated in each task
   that needs it, and ties nothing. Fields of a handle that is not updated any more may travel.
2. A branch, map or loop that needs a handle from outside lives inside one task. So does a loop
   whose body is one task, or which has `while`. Any other is a group: its regions are cut in turn.
3. Writes stay in their order. Sets that would wait for each other are contracted to one.
4. A little arithmetic joins the only task that it reads from, or else the only one that reads it.
5. Tasks in a line are one, if they ask for the same resources and image, and none has a handle.

What a group goes by (a condition, a list) is computed by the task that makes what it reads.
"""

from __future__ import annotations

from collections.abc import Mapping

from kitchen.compiler.partition.apart import kept_apart
from kitchen.compiler.partition.assemble import Assembling
from kitchen.compiler.partition.handles import Repeats
from kitchen.compiler.partition.opening import Opening
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.program import Program
from kitchen.ir.spec import Registry
from kitchen.ir.task_graph import TaskGraph


def partition(
    program: Program, registry: Registry, whole: Mapping[str, str] | None = None
) -> tuple[TaskGraph, tuple[Diagnostic, ...]]:
    """The tasks of a program, and what keeps it from being cut into tasks.

    `whole` names branches, maps and loops that stay in one task, each with the reason why: what a
    target cannot express across tasks, it can still run inside of one.
    """
    repeats = Repeats(program, registry)
    parameters = {parameter.value for parameter in program.params}
    level = Opening(program, registry, repeats, parameters, dict(whole or {})).whole()
    by_name = {*program.on_failure.params, *program.finally_.params}
    assembling = Assembling(program, repeats, parameters | by_name)
    graph = assembling.graph(level)
    return graph, (*assembling.faults, *kept_apart(program, graph, registry))
