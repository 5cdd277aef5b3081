"""A compiled recipe to the files of one target: partition, plan, emit, README. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field

from kitchen.compiler.compile import Compiled
from kitchen.compiler.frontend.reader import paused_collection
from kitchen.compiler.partition import partition
from kitchen.compiler.targets.readme import readme
from kitchen.compiler.targets.secrets import secrets_in
from kitchen.compiler.targets.target import Exported, Files, Target
from kitchen.ir.diagnostic import Diagnostic, demand
from kitchen.ir.frozen import frozen
from kitchen.ir.program import Program
from kitchen.ir.spec import Registry
from kitchen.ir.task_graph import TaskGraph

PLAN, README = "plan.json", "README.md"


@frozen(kw_only=True)
class Export:
    """The files of an export by name, the program and its tasks, and the warnings on the way.

    `whole` names what the target cannot cut, and so is in one task, with the reason.
    """

    program: Program
    files: Files
    graph: TaskGraph
    whole: Mapping[str, str] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()


@paused_collection()  # a workflow only grows
def export_program(
    compiled: Compiled,
    registry: Registry,
    target: Target,
    plan: Callable[[Program, TaskGraph], bytes],
    *,
    command: str,
    base: str,
) -> Export:
    """Write a program out for a target; `plan` makes the file that each task reads.

    `command` is how it was exported, and `base` where relative files lie, for the README. Raises
    CompileError with everything that keeps the program from being exported.
    """
    program, deployment = compiled.program, compiled.deployment
    graph, whole, faults = tasks_for(target, program, registry)
    found = demand(compiled.diagnostics + faults)
    exported = Exported(
        program=program,
        graph=graph,
        plan=plan(program, graph),
        schedule=deployment.schedule,
        section=deployment.sections.get(target.name),
    )
    emitted, more = target.emit(exported)
    found = demand((*found, *more, *secrets_in(exported)))
    text = readme(target, exported, whole, files=emitted, command=command, base=base)
    files = {**emitted, PLAN: exported.plan, README: text.encode()}
    return Export(
        program=program,
        files={name: files[name] for name in sorted(files)},
        graph=graph,
        whole=whole,
        diagnostics=found,
    )


def tasks_for(
    target: Target, program: Program, registry: Registry
) -> tuple[TaskGraph, dict[str, str], tuple[Diagnostic, ...]]:
    """The tasks of a program, and what stays in one task since the target cannot cut it.

    What is kept whole can make the tasks around it others, so the target is asked again until it
    names nothing more.
    """
    whole: dict[str, str] = {}
    while True:
        graph, faults = partition(program, registry, whole)
        more = {
            name: reason for name, reason in target.whole(program, graph).items()
            if name not in whole
        }  # fmt: skip
        if not more:
            return graph, whole, faults
        whole |= more
