"""The Kubernetes objects of an export: the workflow, the plan it reads, and what it may do."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Mapping

from kitchen.compiler.targets.argo.calls import Json
from kitchen.compiler.targets.argo.jobs import KINDS, tolerated
from kitchen.compiler.targets.argo.pods import PLAN_FOLDER, volumes
from kitchen.compiler.targets.argo.settings import Settings, TimeToLive
from kitchen.ir.deployment import Schedule

API = "argoproj.io/v1alpha1"

#: What a ConfigMap may hold is 1 MiB; a plan with more than this is kept in it compressed.
PLAIN_PLAN = 900_000


def metadata(name: str, settings: Settings, *, generate: bool = False) -> Json:
    """The name of an object, and the labels by which all of an export are found."""
    found: Json = {"generateName": f"{name}-"} if generate else {"name": name}
    if settings.namespace is not None:
        found["namespace"] = settings.namespace
    found["labels"] = {"app.kubernetes.io/managed-by": "kitchen", "app.kubernetes.io/part-of": name}
    return found


def workflows(name: str, spec: Json, settings: Settings, schedule: Schedule | None) -> list[Json]:
    """The workflow: run once, by itself at times, or kept to be run by name."""
    kept = settings.kind == "template"
    found: list[Json] = []
    if kept:
        found.append(_object("WorkflowTemplate", metadata(name, settings), spec))
    if schedule is not None:
        inner: Json = {"workflowTemplateRef": {"name": name}} if kept else spec
        found.append(_cron(name, inner, settings, schedule))
    if not found:
        found.append(_object("Workflow", metadata(name, settings, generate=True), spec))
    return found


def _object(kind: str, about: Json, spec: Json) -> Json:
    return {"apiVersion": API, "kind": kind, "metadata": about, "spec": spec}


def _cron(name: str, spec: Json, settings: Settings, schedule: Schedule) -> Json:
    deadline: Json = {}
    if settings.starting_deadline_seconds is not None:
        deadline = {"startingDeadlineSeconds": settings.starting_deadline_seconds}
    times: Json = {
        "schedules": [schedule.cron],
        "timezone": schedule.timezone,
        "concurrencyPolicy": settings.concurrency,
        **deadline,
        "workflowSpec": spec,
    }
    return _object("CronWorkflow", metadata(name, settings), times)


def spec(
    settings: Settings,
    templates: list[Json],
    account: str,
    plan_map: str,
    roots: Mapping[str, str],
) -> Json:
    """What a workflow is, whichever object it is in; `roots` are what Argo calls by itself."""
    found: Json = {**roots, "serviceAccountName": account}
    values = {"runs": settings.run_folder, "base": settings.data_folder}
    found["arguments"] = {
        "parameters": [{"name": name, "value": value} for name, value in values.items()]
    }
    found |= _of_pods(settings)
    if settings.parallelism is not None:
        found["parallelism"] = settings.parallelism
    if settings.pod_gc is not None:
        found["podGC"] = {"strategy": settings.pod_gc}
    found["ttlStrategy"] = _time_to_live(settings.ttl_seconds)
    alone = settings.synchronization
    locks: Json = {}
    if alone.mutexes:
        locks["mutexes"] = [{"name": each} for each in alone.mutexes]
    if alone.semaphores:
        locks["semaphores"] = [
            {"configMapKeyRef": {"name": each.config_map, "key": each.key}}
            for each in alone.semaphores
        ]
    found |= {"synchronization": locks} if locks else {}
    found["volumes"] = volumes(settings, plan_map)
    found["templates"] = templates
    return found


def _of_pods(settings: Settings) -> Json:
    """What holds for every pod of a workflow."""
    found: Json = {}
    if settings.image_pull_secrets:
        found["imagePullSecrets"] = [{"name": each} for each in settings.image_pull_secrets]
    if settings.node_selector:
        found["nodeSelector"] = dict(settings.node_selector)
    if settings.tolerations:
        found["tolerations"] = tolerated(settings)
    # A task that is told to stop finishes its step and writes a checkpoint.
    patch = {"terminationGracePeriodSeconds": settings.grace_seconds}
    found["podSpecPatch"] = json.dumps(patch)
    return found


def _time_to_live(seconds: int | TimeToLive) -> Json:
    if isinstance(seconds, int):
        return {"secondsAfterCompletion": seconds}
    given = {"secondsAfterCompletion": seconds.completion, "secondsAfterSuccess": seconds.success,
             "secondsAfterFailure": seconds.failure}  # fmt: skip
    return {name: value for name, value in given.items() if value is not None}


# ---------------------------------------------------------------------------------------- the plan


def plan_path(plan: bytes) -> str:
    """Where a container finds the plan."""
    return f"{PLAN_FOLDER}/plan.json" + (".gz" if len(plan) > PLAIN_PLAN else "")


def config_map(name: str, owner: str, plan: bytes, settings: Settings) -> Json:
    """The plan as Kubernetes keeps it; its name is that of its content, so it never changes."""
    about = metadata(owner, settings) | {"name": name}
    if len(plan) <= PLAIN_PLAN:
        held: Json = {"data": {"plan.json": plan.decode()}}
    else:
        held = {"binaryData": {"plan.json.gz": base64.b64encode(packed(plan)).decode()}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "immutable": True, **held}


def packed(plan: bytes) -> bytes:
    """The plan compressed: the same bytes each time."""
    return gzip.compress(plan, mtime=0)


# ------------------------------------------------------------------------------------------- rights


def rights(name: str, account: str, settings: Settings, *, jobs: bool) -> list[Json]:
    """What the pods of a workflow may do: tell Argo how they ended, and make jobs if there are any.

    A service account that the recipe names is there already.
    """
    about = metadata(name, settings)
    rules: list[Json] = [_rule("argoproj.io", "workflowtaskresults", ("create", "patch"))]
    if jobs:
        group, resource, _, _ = KINDS[settings.train_runtime.kind]
        rules.append(_rule(group, resource, ("create", "get", "list", "watch")))
    api, group = "rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": account}
    if settings.namespace is not None:
        subject["namespace"] = settings.namespace
    found: list[Json] = [
        {"apiVersion": api, "kind": "Role", "metadata": about, "rules": rules},
        {
            "apiVersion": api,
            "kind": "RoleBinding",
            "metadata": about,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
            "subjects": [subject],
        },
    ]
    if settings.service_account is None:
        found.insert(0, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about})
    return found


def _rule(group: str, resource: str, verbs: Iterable[str]) -> Json:
    return {"apiGroups": [group], "resources": [resource], "verbs": [*verbs]}
