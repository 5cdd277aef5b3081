"""Exports for Argo that break one rule of the verifier each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from kitchen.compiler.targets.argo.files import objects, settings_of
from kitchen.ir.deployment import Schedule
from kitchen.ir.program import Annotations, Map, Program, Resources, Retry
from kitchen.ir.types import BOOL, INT, list_of
from tests.compiler.builders import (
    apply,
    branch,
    loop,
    map_over,
    program,
    region,
    span_of,
    stage,
    value,
)
from tests.compiler.partition_cases import BUSY
from tests.compiler.targets.argo_exports import exported

Json = dict[str, Any]
Documents = list[Json]
Mutation = Callable[[Documents], None]

#: Settings that use all that there is.
RICH: Mapping[str, object] = {
    "kind": "template",
    "namespace": "training",
    "artifacts": "s3",
    "env": {"MODE": "fast"},
    "secrets": {"HF_TOKEN": {"name": "hub", "key": "token"}},
    "volumes": [{"name": "scratch", "empty_dir": "memory"}],
    "volume_mounts": [{"name": "scratch", "path": "/scratch"}],
    "node_selector": {"pool": "gpu"},
    "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "synchronization": {"mutexes": ["one"], "semaphores": [{"config_map": "many", "key": "n"}]},
    "pod_gc": "OnPodSuccess",
    "parallelism": 8,
    "ttl_seconds": {"success": 60},
    "image_pull_policy": "IfNotPresent",
    "image_pull_secrets": ["registry"],
}
DAILY = Schedule("0 3 * * *", "Europe/Berlin")


def everything() -> Program:
    """A branch, a map with a limit, a loop that ends by itself, a job, retries and endings."""
    asked = Annotations(
        retry=Retry(times=2, backoff=0.5, max_backoff=1.0),
        timeout=30.0,
        resources=Resources(cpu=0.5, memory="2Gi", gpu=1),
    )
    nodes = Annotations(resources=Resources(nodes=2))
    alone = Annotations(resources=Resources(cpu=2.0))
    rows, row, turn = value("rows", list_of(INT)), value("row"), value("turn")
    return program(
        stage("number", value("a"), annotations=asked, called="number"),
        branch(
            apply(">", value("a"), 1, type=BOOL),
            region(
                stage("report", value=value("a"), called="large"),
                stage("report", value=value("a"), called="larger"),
            ),
            region(stage("report", value=value("a"), called="small")),
            called="size",
        ),
        stage("add", value("b"), left=value("a"), right=1, annotations=nodes, called="train"),
        stage("items", rows, value=value("b"), config={"count": 2}, called="rows"),
        Map(
            name="each",
            over=apply("list", value("b"), type=list_of(INT)),
            max_parallel=apply("+", 1, 1),
            body=region(
                stage("add", value("c"), left=row, right=1, called="inner"),
                stage("report", value=value("c"), called="told"),
                params=(row,),
            ),
        ),
        map_over(
            rows, region(stage("report", value=row, called="alone"), params=(row,)), called="m"
        ),
        loop(
            span_of(3),
            region(
                stage("add", value("d"), left=turn, right=1, annotations=alone, called="step"),
                stage("report", value=value("d"), called="log"),
                params=(turn,),
            ),
            until=apply(">", value("d"), 1, type=BOOL),
            called="turn",
        ),
        finally_=region(stage("report", value=3, called="last")),
        on_failure=region(stage("report", value=4, called="sorry")),
    )


@cache
def _emitted() -> str:
    export = exported(everything(), BUSY, RICH, DAILY)
    settings, _ = settings_of(export)
    assert settings is not None
    return json.dumps(objects(export, settings).documents())


def rich() -> Documents:
    """The objects of an export that uses all there is."""
    found: Documents = json.loads(_emitted())
    return found


def of_kind(documents: Documents, kind: str) -> Json:
    return next(document for document in documents if document["kind"] == kind)


def spec(documents: Documents) -> Json:
    found: Json = of_kind(documents, "WorkflowTemplate")["spec"]
    return found


def template(documents: Documents, name: str) -> Json:
    return next(each for each in spec(documents)["templates"] if each["name"] == name)


def call(documents: Documents, where: str, name: str) -> Json:
    tasks = template(documents, where)["dag"]["tasks"]
    return next(task for task in tasks if task["name"] == name)


def pod(documents: Documents) -> Json:
    """The template with resources, retries and a deadline."""
    return next(each for each in spec(documents)["templates"] if "activeDeadlineSeconds" in each)


def telling(documents: Documents) -> Json:
    return next(each for each in spec(documents)["templates"] if "outputs" in each)


# ------------------------------------------------------------------------------------- mutations


def first(documents: Documents) -> Json:
    """The first call of all."""
    return call(documents, "main", "number")


def container(documents: Documents) -> Json:
    found: Json = pod(documents)["container"]
    return found


def job(documents: Documents) -> Json:
    found: Json = template(documents, "job")["resource"]
    return found


def extend(documents: Documents, levels: int) -> None:
    """A chain of templates, each calling the next."""
    entry = spec(documents)["entrypoint"]
    for level in range(levels):
        inner = entry if level == 0 else f"level-{level - 1}"
        tasks = [{"name": "inner", "template": inner}]
        spec(documents)["templates"].append({"name": f"level-{level}", "dag": {"tasks": tasks}})
    spec(documents)["entrypoint"] = f"level-{levels - 1}"


def set_in(holder: Callable[[Documents], Json], **values: Any) -> Mutation:
    def mutate(documents: Documents) -> None:
        holder(documents).update(values)

    return mutate


def drop(holder: Callable[[Documents], Json], name: str) -> Mutation:
    def mutate(documents: Documents) -> None:
        del holder(documents)[name]

    return mutate


def add(holder: Callable[[Documents], list[Any]], item: Any) -> Mutation:
    def mutate(documents: Documents) -> None:
        holder(documents).append(item)

    return mutate


def cron(documents: Documents) -> Json:
    found: Json = of_kind(documents, "CronWorkflow")["spec"]
    return found


def arguments(task: Json) -> list[Json]:
    found: list[Json] = task["arguments"]["parameters"]
    return found


def small(documents: Documents) -> Json:
    return call(documents, "main", "small")


def again(documents: Documents) -> Json:
    return call(documents, "turn", "next")


def each(documents: Documents) -> Json:
    return template(documents, "each")


def repeated(documents: Documents) -> Json:
    found: Json = each(documents)["dag"]["tasks"][0]
    return found


def about(kind: str) -> Callable[[Documents], Json]:
    def found(documents: Documents) -> Json:
        inner: Json = of_kind(documents, kind)["metadata"]
        return inner

    return found


def in_a_circle(documents: Documents) -> None:
    first(documents)["depends"] = "train.Succeeded"


def no_calls(documents: Documents) -> None:
    small(documents).update(template="empty", arguments={})
    spec(documents)["templates"].append({"name": "empty", "dag": {"tasks": []}})


def two_that_call_each_other(documents: Documents) -> None:
    each(documents)["dag"]["tasks"].append({"name": "back", "template": "circle"})
    tasks = [{"name": "on", "template": "each", "arguments": {"parameters": [
        {"name": "places", "value": "[]"}]}}]  # fmt: skip
    spec(documents)["templates"].append({"name": "circle", "dag": {"tasks": tasks}})


#: Rule by rule, what breaks it.
MUTANTS: tuple[tuple[str, str, Mutation], ...] = (
    ("object-names", "upper case", set_in(about("CronWorkflow"), name="Toy")),
    ("object-names", "a long cron workflow", set_in(about("CronWorkflow"), name="x" * 53)),
    ("labels", "a space", set_in(lambda d: about("Role")(d)["labels"], a="b c")),
    ("call-names", "an underscore", set_in(again, name="next_iteration")),
    ("call-names", "a digit first", set_in(again, name="1st")),
    ("call-names", "too long", set_in(again, name="x" * 64)),
    ("parameter-names", "a dot", add(lambda d: pod(d)["inputs"]["parameters"], {
        "name": "a.b", "default": ""})),
    ("names-once", "two calls", lambda d: each(d)["dag"]["tasks"].append(repeated(d))),
    ("names-once", "two templates", lambda d: spec(d)["templates"].append(
        template(d, "job"))),
    ("names-once", "two arguments", add(lambda d: arguments(small(d)), {
        "name": "task", "value": "small"})),
    ("names-once", "two volumes", add(lambda d: spec(d)["volumes"], {
        "name": "plan", "emptyDir": {}})),
    ("names-once", "two variables", add(lambda d: container(d)["env"], {
        "name": "MODE", "value": "slow"})),
    ("template-types", "two things", set_in(pod, suspend={})),
    ("template-types", "no calls", no_calls),
    ("templates-exist", "a call of none", set_in(small, template="nowhere")),
    ("templates-exist", "an entrypoint that is none", set_in(spec, entrypoint="nowhere")),
    ("templates-exist", "an ending that is none", set_in(spec, onExit="nowhere")),
    ("templates-used", "one too many", add(lambda d: spec(d)["templates"], {
        "name": "idle", "container": {"image": "a", "command": ["b"]}})),
    ("arguments-given", "one is missing", lambda d: arguments(small(d)).clear()),
    ("arguments-given", "no value", drop(lambda d: spec(d)["arguments"]["parameters"][0], "value")),
    ("arguments-known", "one too many", add(lambda d: arguments(small(d)), {
        "name": "more", "value": "1"})),
    ("depends-grammar", "three ands", set_in(small, depends="number.Succeeded &&& train.Failed")),
    ("depends-grammar", "a parenthesis", set_in(small, depends="(number.Succeeded")),
    ("results-known", "a bare name", set_in(small, depends="number")),
    ("results-known", "no such result", set_in(small, depends="number.Done")),
    ("results-known", "a list that is none", set_in(small, depends="number.AnySucceeded")),
    ("calls-exist", "not there", set_in(again, depends="step.Succeeded && number.Succeeded")),
    ("calls-exist", "two ways to wait", set_in(small, dependencies=["number"])),
    ("no-cycles", "a circle", in_a_circle),
    ("when-grammar", "a quoted text", set_in(
        small, when="'{{tasks.number.outputs.parameters.told-1}}' == 'a'")),
    ("when-grammar", "an arithmetic", set_in(small, when="1 < 2")),
    ("lists-told", "two lists", set_in(repeated, withItems=["0"])),
    ("lists-told", "a made-up list", set_in(repeated, withParam="[{{inputs.parameters.places}}]")),
    ("lists-told", "numbers", lambda d: (
        repeated(d).pop("withParam"), repeated(d).update(withItems=[0, 1]))),
    ("lists-told", "no count", lambda d: (
        repeated(d).pop("withParam"), repeated(d).update(withSequence={"count": "many"}))),
    ("variables-known", "no such input", lambda d: arguments(again(d))[0].update(
        value="{{inputs.parameters.nothing}}")),
    ("variables-known", "no such output", lambda d: arguments(again(d))[0].update(
        value="{{tasks.log.outputs.parameters.told-9}}")),
    ("variables-known", "an item of no list", lambda d: arguments(small(d))[0].update(
        value="{{item}}")),
    ("variables-known", "the status before the end", lambda d: arguments(small(d))[0].update(
        value="{{workflow.status}}")),
    ("variables-known", "a variable where none is read", set_in(
        lambda d: spec(d)["arguments"]["parameters"][0], value="/runs/{{workflow.name}}")),
    ("tags-whole", "half a tag", lambda d: arguments(small(d))[0].update(value="a {{ b")),
    ("read-after", "not waited for", drop(small, "depends")),
    ("outputs-whole", "a default", lambda d: telling(d)["outputs"]["parameters"][0][
        "valueFrom"].update(default="false")),
    ("outputs-whole", "half a path", lambda d: telling(d)["outputs"]["parameters"][0][
        "valueFrom"].update(path="told")),
    ("artifacts-by-key", "the key of all runs", lambda d: telling(d)["outputs"]["artifacts"][0][
        "s3"].update(key="outcome")),
    ("artifacts-by-key", "no path", lambda d: telling(d)["outputs"]["artifacts"][0].pop("path")),
    ("commands", "no command", drop(container, "command")),
    ("commands", "no image", drop(container, "image")),
    ("commands", "a shell", set_in(container, command=["sh"])),
    ("commands", "a long word", add(lambda d: container(d)["args"], "x" * 131_073)),
    ("commands", "a policy", set_in(container, imagePullPolicy="Sometimes")),
    ("texts-only", "a number", lambda d: arguments(small(d)).append(
        {"name": "at", "value": 1})),
    ("secrets-referred-to", "no key", set_in(
        lambda d: container(d)["env"][1]["valueFrom"]["secretKeyRef"], key="")),
    ("secrets-referred-to", "a value beside it", set_in(
        lambda d: container(d)["env"][1], value="hush")),
    ("volumes-there", "no such volume", add(lambda d: container(d)["volumeMounts"], {
        "name": "cellar", "mountPath": "/cellar"})),
    ("volumes-there", "one path for two", set_in(
        lambda d: container(d)["volumeMounts"][2], mountPath="/kitchen/plan")),
    ("volumes-there", "nothing behind it", add(lambda d: spec(d)["volumes"], {"name": "air"})),
    ("quantities", "in words", set_in(
        lambda d: container(d)["resources"]["requests"], memory="2 GB")),
    ("quantities", "a number", set_in(lambda d: container(d)["resources"]["requests"], cpu=2)),
    ("retries", "a number", set_in(lambda d: pod(d)["retryStrategy"], limit=3)),
    ("retries", "a policy", set_in(lambda d: pod(d)["retryStrategy"], retryPolicy="OnError")),
    ("retries", "any rule", set_in(lambda d: pod(d)["retryStrategy"], expression="true")),
    ("retries", "a time", set_in(
        lambda d: pod(d)["retryStrategy"]["backoff"], duration="soon")),
    ("retries", "of a DAG", set_in(each, retryStrategy={"limit": "1", "retryPolicy": "Always"})),
    ("deadlines", "a text", set_in(pod, activeDeadlineSeconds="10s")),
    ("deadlines", "of a DAG", set_in(each, activeDeadlineSeconds=10)),
    ("limits", "none", set_in(each, parallelism=0)),
    ("limits", "of a pod", set_in(pod, parallelism=2)),
    ("jobs", "one name for all", lambda d: job(d).update(
        manifest=job(d)["manifest"].replace("generateName: 'toy-'", "name: 'toy'"))),
    ("jobs", "by type", set_in(
        job, successCondition='status.conditions.#(type=="Complete").status == True')),
    ("jobs", "not owned", set_in(job, setOwnerReference=False)),
    ("plain-values", "of Kubernetes", add(lambda d: container(d)["args"], "$(HF_TOKEN)")),
    ("kinds-known", "an old version", set_in(
        lambda d: of_kind(d, "WorkflowTemplate"), apiVersion="argoproj.io/v1")),
    ("sizes", "large", set_in(lambda d: container(d)["env"][0], value="x" * 1_600_000)),
    ("schedules", "four fields", set_in(cron, schedules=["0 3 * *"])),
    ("schedules", "the old way", set_in(cron, schedule="0 3 * * *")),
    ("schedules", "no zone", set_in(cron, timezone="")),
    ("overlaps", "no rule", drop(cron, "concurrencyPolicy")),
    ("overlaps", "before its time", set_in(cron, startingDeadlineSeconds=-1)),
    ("references", "another plan", set_in(
        lambda d: spec(d)["volumes"][0], configMap={"name": "another"})),
    ("references", "another account", set_in(spec, serviceAccountName="nobody")),
    ("references", "another template", set_in(
        cron, workflowSpec={"workflowTemplateRef": {"name": "another"}})),
    ("rights", "no results", set_in(lambda d: of_kind(d, "Role")["rules"][0], verbs=["get"])),
    ("rights", "no jobs", lambda d: of_kind(d, "Role")["rules"].pop()),
    ("rights", "of no role", set_in(
        lambda d: of_kind(d, "RoleBinding")["roleRef"], name="another")),
    ("recursion", "without end", drop(again, "when")),
    ("recursion", "how often", drop(lambda d: template(d, "turn"), "metadata")),
    ("recursion", "in a circle", two_that_call_each_other),
    ("depth", "a long chain", lambda d: extend(d, 101)),
    ("depth", "a long loop", lambda d: template(d, "turn")["metadata"]["annotations"].update(
        {"kitchen/at-most": "99"})),
)  # fmt: skip
