"""What tasks give each other by way of an adapter: one that lives in a process gives it to none."""

from __future__ import annotations

from collections.abc import Iterator

from kitchen.compiler.partition.handles import stages_in
from kitchen.ir.diagnostic import Diagnostic, Label
from kitchen.ir.program import Program
from kitchen.ir.spec import Registry
from kitchen.ir.task_graph import Task, TaskGraph


def kept_apart(program: Program, graph: TaskGraph, registry: Registry) -> Iterator[Diagnostic]:
    """Adapters whose memory ends with a process, behind ports that several tasks use."""
    for binding in program.bindings:
        spec = registry.adapters.get(binding.port, {}).get(binding.adapter)
        if spec is None or spec.shared:
            continue
        tasks = [task.name for task in graph.tasks() if binding.port in _ports(task, registry)]
        if len(tasks) > 1:
            used_by = " and ".join(f"`{name}`" for name in tasks[:2])
            more = f", and {len(tasks) - 2} more" if len(tasks) > 2 else ""
            yield Diagnostic(
                "K559",
                f"`{binding.port}: {binding.adapter}` remembers nothing from one task to the next",
                primary=(
                    None if binding.span is None else Label(binding.span, f"{used_by} use it{more}")
                ),
                help="bind an adapter that keeps what it is given, such as `files`",
            )


def _ports(task: Task, registry: Registry) -> set[str]:
    ops = (*task.region.ops, *task.on_failure.ops, *task.finally_.ops)
    return {use.port for stage in stages_in(ops) for use in registry.stages[stage.stage].ports}
