"""What the README of an export says of Airflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kitchen.compiler.targets.airflow.lowering import ALL_DONE, Ask, Lowering, Run, Spread, Unit
from kitchen.compiler.targets.airflow.naming import dag_id
from kitchen.compiler.targets.airflow.pods import data_folder, runs_of
from kitchen.compiler.targets.airflow.settings import Settings
from kitchen.compiler.targets.airflow.whole import rounds_of
from kitchen.compiler.targets.section import validated
from kitchen.compiler.targets.target import Exported, Guide
from kitchen.ir.expr import Value
from kitchen.ir.program import Branch, Loop, Map
from kitchen.ir.task_graph import Group, TaskGraph


def guide(exported: Exported) -> Guide:
    """How it is submitted, what can be set, what became what, and what has to be there."""
    settings, _ = validated(Settings, exported.section, code="K530", target="airflow")
    assert settings is not None, "what was emitted has settings"
    units = Lowering(exported.program).whole(exported.graph)
    base = data_folder(settings)
    return Guide(
        submit=tuple(_submit(exported, settings)),
        settings=(
            ("run", f"the folder of the run; if empty, one of its own in {_runs(settings)}"),
            (
                "base",
                "where relative data files lie"
                + (f", `{base}` if nothing is said" if base else "; if empty, where the plan says"),
            ),
        ),
        lowered=tuple(_lowered(exported, units)),
        data=tuple(_data(settings)),
        notes=tuple(_notes(exported, settings, units)),
    )


def _submit(exported: Exported, settings: Settings) -> Iterator[str]:
    name = dag_id(exported.program.name)
    if settings.operator == "kubernetes":
        where = "" if settings.namespace is None else f" -n {settings.namespace}"
        # Client-side, kubectl would write the plan into an annotation, which has less room.
        yield f"kubectl apply{where} --server-side -f configmap.yaml"
    yield f'cp -r . "$(airflow config get-value core dags_folder)/{name}"'
    yield f"airflow dags unpause {name}"
    if exported.schedule is None:
        yield f"airflow dags trigger {name}"


def _runs(settings: Settings) -> str:
    if settings.operator == "kubernetes":
        return f"`{runs_of(settings)}`"
    return "`runs`, beside the plan" if settings.runs is None else f"`{settings.runs}`"


def _lowered(exported: Exported, units: Sequence[Unit]) -> Iterator[tuple[str, str, str]]:
    parameters = {param.value: param.setting for param in exported.program.params}
    asked = {unit.group for unit in units if isinstance(unit, Ask)}
    for group in _groups(exported.graph):
        yield (group.name, *_became(group, parameters, asked))
    if any(unit.id == ALL_DONE for unit in units):
        yield (
            ALL_DONE,
            "a task that does nothing",
            "it fails if anything did, though what runs whatever happened ends well",
        )


def _groups(graph: TaskGraph) -> Iterator[Group]:
    for node in graph.nodes:
        if isinstance(node, Group):
            yield node
            for inner in node.graphs:
                yield from _groups(inner)


def _became(group: Group, parameters: Mapping[Value, object], asked: set[str]) -> tuple[str, str]:
    match group.op:
        case Branch():
            return (
                "tasks that skip themselves",
                "each asks kitchen whether it is to run; Airflow's branches fail inside of maps",
            )
        case Map():
            if group.name in asked:
                return "`.expand` over places that a task of its own asks for", "no one task tells"
            return "`.expand` over places", "the recipe or the task that makes the list tells which"
        case Loop() as op:
            rounds = rounds_of(op, parameters)
            ends = "; rounds behind its end skip themselves" if op.until is not None else ""
            return f"unrolled, {rounds} rounds{ends}", "Airflow has no loops"


def _data(settings: Settings) -> Iterator[str]:
    if settings.operator == "kubernetes":
        yield (
            f"The claim `{settings.claim}` is mounted at `{settings.storage}`; pods on several"
            " nodes have to be able to write to it."
        )
    else:
        yield "The folder of a run is shared by all tasks: each worker has to see it at one path."
        yield (
            f"`{settings.kitchen[0]}` has to be found by the worker, in an environment of its own:"
            " Airflow's does not need kitchen."
        )


def _notes(exported: Exported, settings: Settings, units: Sequence[Unit]) -> Iterator[str]:
    yield (
        "Airflow looks for new files every few minutes; `airflow dags reserialize` makes it look"
        " at once."
    )
    yield (
        f"A task that is stopped (exit 75, or killed) goes on where it was, up to"
        f" {settings.preemptions} times. A step that fails is tried again only as its `retry:`"
        " says, where attempts that were stopped count, too; bad input (exit 2) never is."
    )
    yield "Where a task fails, those that do not wait for it go on, and the run fails at the end."
    told = any(isinstance(unit, Run) and isinstance(unit.at, Spread) for unit in units)
    if told:
        yield (
            "Airflow refuses a map over more than `core.max_map_length` items, 1,024 if nothing is"
            " set."
        )
    if settings.secrets:
        yield "Secrets are named, never written: " + ", ".join(f"`{n}`" for n in settings.secrets)
    if exported.schedule is not None:
        yield "Runs that were missed while the DAG was paused are not caught up with."
