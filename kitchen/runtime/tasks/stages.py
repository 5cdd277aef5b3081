"""The stages of a task, and the adapters that they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kitchen.ir.program import Binding, Program, Stage
from kitchen.ir.task_graph import Task
from kitchen.ir.walk import walk
from kitchen.runtime.stage import StageFunction


def stages_of(task: Task) -> Iterator[Stage]:
    """Every stage that a task may call, those that end it included."""
    for region in (task.region, task.on_failure, task.finally_):
        yield from (op for op in walk(region) if isinstance(op, Stage))


def bindings_of(
    task: Task, program: Program, functions: Mapping[str, StageFunction]
) -> tuple[Binding, ...]:
    """The adapters behind the ports that a task's stages use, and no others."""
    used = {use.port for stage in stages_of(task) for use in functions[stage.stage].spec.ports}
    return tuple(binding for binding in program.bindings if binding.port in used)
