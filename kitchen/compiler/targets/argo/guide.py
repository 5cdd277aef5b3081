"""What the README of an export says of Argo."""

from __future__ import annotations

from collections.abc import Iterator

from kitchen.compiler.targets.argo.decisions import (
    UNROLLED,
    Decisions,
    groups,
    is_job,
    is_open,
)
from kitchen.compiler.targets.argo.files import CONFIG_MAP, RIGHTS, WORKFLOW, settings_of
from kitchen.compiler.targets.argo.settings import Settings
from kitchen.compiler.targets.argo.whole import LIMIT, decisions_of
from kitchen.compiler.targets.target import Exported, Guide
from kitchen.ir.program import Branch, Map
from kitchen.ir.task_graph import Group


def guide(exported: Exported) -> Guide:
    """How it is submitted, what can be set, what became what, and what has to be there."""
    settings, _ = settings_of(exported)
    assert settings is not None, "what was emitted has settings"
    decisions = decisions_of(exported.program, exported.graph)
    return Guide(
        submit=tuple(_submit(exported, settings)),
        settings=(
            (
                "runs",
                f"the folder of runs, `{settings.run_folder}`; each has its workflow's name in it",
            ),
            ("base", f"where relative data files lie, `{settings.data_folder}`"),
        ),
        lowered=tuple(_lowered(exported, decisions)),
        data=(
            f"The claim `{settings.claim}` is mounted at `{settings.storage}`; pods on several"
            " nodes have to be able to write to it.",
        ),
        notes=tuple(_notes(exported, settings)),
    )


def _submit(exported: Exported, settings: Settings) -> Iterator[str]:
    where = "" if settings.namespace is None else f" -n {settings.namespace}"
    yield f"kubectl apply{where} -f {RIGHTS}"
    # Client-side, kubectl would write the plan into an annotation, which has less room.
    yield f"kubectl apply{where} --server-side -f {CONFIG_MAP}"
    if settings.kind == "template" or exported.schedule is not None:
        yield f"kubectl apply{where} --server-side -f {WORKFLOW}"
    else:
        yield f"argo submit{where} {WORKFLOW}"


def _lowered(exported: Exported, decisions: Decisions) -> Iterator[tuple[str, str, str]]:
    for group in groups(exported.graph):
        if decisions.is_void(group):
            yield group.name, "is left out", "it follows from the recipe that none of it runs"
        else:
            yield (group.name, *_became(group, decisions))
    for task in exported.graph.tasks():
        if is_job(task):
            yield task.name, "a job of Kubeflow's", "it asks for `nodes`"


def _became(group: Group, decisions: Decisions) -> tuple[str, str]:
    decision = decisions.entering[group.name]
    by = f"`{decision.teller}` tells" if decision.known is None else "the recipe says"
    if decision.asked:
        by = "a step of its own asks"
    if isinstance(group.op, Branch):
        return "a `when` on each arm", f"{by} which is taken"
    if isinstance(group.op, Map):
        limit = decisions.parallel(group)
        at_a_time = "" if limit is None else f", {limit} at a time"
        how = "`withItems`" if decision.known is not None else "`withParam`"
        return how + at_a_time, f"{by} for which places"
    if is_open(group):
        most = decisions.at_most(group)
        return (
            f"a template that calls itself, {most} times at the most",
            f"`until` is asked after each iteration; Argo allows {LIMIT} levels",
        )
    if decision.known is not None and decision.known <= UNROLLED:
        return (
            "one iteration after the other, written out",
            f"the recipe says how many: {decision.known}",
        )
    return "places one at a time, in order", f"{by} how many there are"


def _notes(exported: Exported, settings: Settings) -> Iterator[str]:
    yield (
        "`argo retry NAME` goes on with a workflow that failed: tasks that are done are not run"
        " again, and the one that failed goes on from its checkpoint."
    )
    yield (
        f"A pod that is pre-empted (exit code 75, or a node that is gone) is tried again up to"
        f" {settings.preemptions} times; one that failed (3) as often as the recipe's `retry` says;"
        " one with bad input (2) never."
    )
    if settings.artifacts is not None:
        yield (
            "What each task leaves is kept in Argo's artifact repository, which has to be of the"
            f" kind `{settings.artifacts}`; the key is the workflow's name and the task's."
        )
    if settings.service_account is not None:
        yield (
            f"The service account `{settings.service_account}` has to be there;"
            f" `{RIGHTS}` gives it its role."
        )
    if settings.secrets:
        names = ", ".join(
            f"`{name}`" for name in sorted({s.name for s in settings.secrets.values()})
        )
        yield f"These secrets have to be there: {names}."
    if any(map(is_job, exported.graph.tasks())):
        yield "Jobs are made by Kubeflow Trainer, which has to be installed in the cluster."
