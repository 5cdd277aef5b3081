"""What runs when a workflow ends: `on_failure` if it failed, then `finally` in any case."""

from __future__ import annotations

from kitchen.compiler.targets.argo.calls import Json, parameters
from kitchen.compiler.targets.argo.lowering import Lowering
from kitchen.compiler.targets.names import dns_names
from kitchen.ir.task_graph import Runs, Task, TaskGraph

ENDING = "at the end"
_RESULTS = ("Succeeded", "Failed", "Errored", "Skipped", "Omitted")


def endings(graph: TaskGraph) -> list[Task]:
    """The tasks at the end, in their order."""
    tasks = [node for node in graph.nodes if isinstance(node, Task)]
    return [
        task for runs in (Runs.FAILED, Runs.ALWAYS) for task in tasks if task.runs is runs
    ]  # fmt: skip


def ending(lowering: Lowering, graph: TaskGraph) -> Json | None:
    """The template that Argo calls at the end; each task in it runs whatever became of the last."""
    found = endings(graph)
    names = dns_names(task.name for task in found)
    calls: list[Json] = []
    before = ""
    for task in found:
        call: Json = {"name": names[task.name]}
        if before:
            call["depends"] = " || ".join(f"{before}.{result}" for result in _RESULTS)
        if task.runs is Runs.FAILED:
            call["when"] = "{{workflow.status}} != Succeeded"
        made = lowering.running(task.name, task.name).call()
        call["template"] = made.template
        call["arguments"] = {"parameters": parameters(made.arguments)}
        calls.append(call)
        before = names[task.name]
    if not calls:
        return None
    return {"name": lowering.names[ENDING], "dag": {"failFast": False, "tasks": calls}}
