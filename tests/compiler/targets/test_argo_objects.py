"""Settings, sizes and limits of an export for Argo, and what is said where one does not fit."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from kitchen.compiler.partition import partition
from kitchen.compiler.targets.argo import TARGET, files
from kitchen.compiler.targets.argo.pods import duration, retrying
from kitchen.compiler.targets.argo.verify.view import Fault
from kitchen.compiler.targets.argo.whole import whole
from kitchen.compiler.targets.argo.yaml_text import manifest, quoted, render
from kitchen.ir.deployment import Section
from kitchen.ir.expr import Apply, Expr
from kitchen.ir.program import Annotations, Binding, Map, Program, Resources, Retry
from kitchen.ir.serde.plan import read_plan, unpacked
from kitchen.ir.types import BOOL, INT, list_of
from tests.compiler.builders import (
    apply,
    branch,
    line,
    loop,
    map_over,
    program,
    region,
    span_of,
    stage,
    value,
)
from tests.compiler.partition_cases import BUSY
from tests.compiler.targets.argo_exports import (
    Exported,
    documents,
    emitted,
    exported,
    refused,
    workflow,
)
from tests.compiler.targets.argo_interpreter import again
from tests.compiler.targets.argo_mutants import DAILY, RICH, everything

ROWS = value("rows", list_of(INT))


def one(**annotations: Any) -> Program:
    return program(stage("report", value=1, annotations=Annotations(**annotations), called="say"))


def section(values: dict[str, Any]) -> Section:
    """A section whose parts each have a line of their own."""
    places = {(): line(1)} | {(key,): line(number) for number, key in enumerate(values, start=2)}
    return Section(values, places, places)


def codes(export: Exported) -> list[str]:
    return [fault.code for fault in TARGET.emit(export)[1]]


# ---------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"imge": "a"}, "`imge` is no setting of `argo`"),
        ({"image": 3}, "`image` is a text"),
        ({"image": "a b"}, "`image`: it is no image"),
        ({"kind": "cron"}, "`kind` is `workflow` or `template`"),
        ({"claim": "Mine"}, "`claim`: it is no name of a Kubernetes object"),
        ({"env": {"A": "{{workflow.name}}"}},
         "`env.A`: an engine would read `{{ }}` as a variable"),
        ({"env": {"A": "$(B)"}}, "`env.A`: Kubernetes would read `$( )` as a variable"),
        ({"env": {"A": "1"}, "secrets": {"A": {"name": "a", "key": "b"}}},
         "`A` is in `env` and in `secrets`"),
        ({"secrets": {"A": "hush"}}, "`secrets.A` is a mapping"),
        ({"secrets": {"A": {"name": "a"}}}, "`secrets.A.key` is needed"),
        ({"parallelism": 0}, "`parallelism` is 1 or more"),
        ({"volumes": [{"name": "a"}]},
         "`volumes.0`: a volume is one of `claim`, `secret`, `config_map` and `empty_dir`"),
        ({"volume_mounts": [{"name": "a", "path": "/a"}]}, "there is no volume `a` to mount"),
        ({"volumes": [{"name": "plan", "claim": "a"}]}, "two volumes are called `plan`"),
        ({"storage": "/kitchen/plan"}, "two volumes are mounted on `/kitchen/plan`"),
        ({"runs": "runs"}, "`runs`: it is no path from `/` on"),
        ({"storage": "/"}, "a volume is mounted on a folder of its own, not on `/`"),
        ({"runs": "/var/runs"},
         "`runs: /var/runs` is on no volume; `storage` is at `/kitchen/storage`"),
        ({"kitchen": []}, "`kitchen` has at least 1 in it"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit(settings: dict[str, Any], message: str) -> None:
    (fault,) = refused(exported(one(), BUSY, settings))
    assert (fault.code, fault.message) == ("K510", message)


def test_a_fault_is_where_it_stands() -> None:
    export = exported(one(), BUSY)
    wrong = Exported(
        program=export.program,
        graph=export.graph,
        plan=export.plan,
        section=section({"claim": "a", "imge": "b", "kind": "c"}),
    )
    faults = {fault.message: fault for fault in refused(wrong)}
    unknown = faults["`imge` is no setting of `argo`"]
    assert unknown.primary is not None
    assert (unknown.primary.span, unknown.help) == (line(3), "did you mean `image`?")
    other = faults["`kind` is `workflow` or `template`"].primary
    assert other is not None
    assert other.span == line(4)


def test_an_image_that_nobody_names_is_told() -> None:
    export = exported(one(), BUSY)
    bare = Exported(program=export.program, graph=export.graph, plan=export.plan)
    files, (fault,) = TARGET.emit(bare)
    assert (fault.code, fault.severity) == ("K511", "warning")
    assert 'image: "kitchen:' in files["workflow.yaml"].decode()
    assert codes(exported(one(image="mine:1"), BUSY)) == []


@pytest.mark.parametrize("kind", ["workflow", "template"])
@pytest.mark.parametrize("schedule", [None, DAILY])
def test_kinds(kind: str, schedule: Any) -> None:
    files = emitted(exported(one(), BUSY, {"kind": kind}, schedule))
    kinds = [document["kind"] for document in documents({"": files["workflow.yaml"]})]
    kept = ["WorkflowTemplate"] if kind == "template" else []
    timed = ["CronWorkflow"] if schedule is not None else []
    assert kinds == (kept + timed or ["Workflow"])


def test_what_settings_become() -> None:
    spec = workflow(emitted(exported(everything(), BUSY, RICH, DAILY)))["spec"]
    wanted = {
        "imagePullSecrets": [{"name": "registry"}],
        "nodeSelector": {"pool": "gpu"},
        "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "parallelism": 8,
        "podGC": {"strategy": "OnPodSuccess"},
        "ttlStrategy": {"secondsAfterSuccess": 60},
        "synchronization": {
            "mutexes": [{"name": "one"}],
            "semaphores": [{"configMapKeyRef": {"name": "many", "key": "n"}}],
        },
        "podSpecPatch": '{"terminationGracePeriodSeconds": 120}',
    }
    assert {name: spec[name] for name in wanted} == wanted
    task = next(t for t in spec["templates"] if "activeDeadlineSeconds" in t)
    assert task["activeDeadlineSeconds"] == 630
    assert task["container"]["resources"] == {
        "requests": {"cpu": "500m", "memory": "2Gi"},
        "limits": {"memory": "2Gi", "nvidia.com/gpu": "1"},
    }
    secret = {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}}
    assert task["container"]["env"] == [{"name": "MODE", "value": "fast"}, secret]


@pytest.mark.parametrize(
    ("settings", "runs", "base"),
    [
        ({"storage": "/data"}, "/data/runs", "/data"),
        ({"storage": "/data", "runs": "/data/all/runs", "base": "/opt"}, "/data/all/runs", "/opt"),
        (
            {
                "volumes": [{"name": "fast", "claim": "fast"}],
                "volume_mounts": [{"name": "fast", "path": "/fast"}],
                "runs": "/fast",
            },
            "/fast",
            "/kitchen/storage",
        ),
    ],
)
def test_folders(settings: dict[str, Any], runs: str, base: str) -> None:
    spec = workflow(emitted(exported(one(), BUSY, settings)))["spec"]
    given = {each["name"]: each["value"] for each in spec["arguments"]["parameters"]}
    assert given == {"runs": runs, "base": base}


def test_outcomes_by_key() -> None:
    """Each under its task and place; what only asks leaves none, and a job keeps its own."""
    files = emitted(exported(everything(), BUSY, RICH, DAILY))
    spec = workflow(files)["spec"]
    keyed = {t["name"] for t in spec["templates"] if "artifacts" in t.get("outputs", {})}
    calls = {
        task["name"]: (task["template"] in keyed, {p["name"]: p["value"] for p in given})
        for template in spec["templates"]
        for task in template.get("dag", {}).get("tasks", ())
        if (given := task["arguments"]["parameters"])
    }
    assert {name: given.get("key") for name, (_, given) in calls.items() if "key" in given} == {
        name: given["task"] + (f"@{given['at']}" if "at" in given else "")
        for name, (is_keyed, given) in calls.items()
        if is_keyed
    }
    assert not {"train", "ask-each", "ask-m"} & {name for name, (kept, _) in calls.items() if kept}
    assert emitted(exported(everything(), BUSY))["workflow.yaml"].count("artifacts") == 0


def test_an_account_that_is_there_is_not_made() -> None:
    rights = emitted(exported(one(), BUSY, {"service_account": "trainer"}))["rbac.yaml"]
    found = list(yaml.safe_load_all(rights))
    assert [document["kind"] for document in found] == ["Role", "RoleBinding"]
    assert found[1]["subjects"] == [{"kind": "ServiceAccount", "name": "trainer"}]


def test_a_secret_that_no_task_is_given() -> None:
    reads = Binding(port="llm", adapter="openai", config=(("api_key", {"env": "LLM_KEY"}),))
    judged = replace(one(), bindings=(reads,))
    (fault,) = TARGET.emit(exported(judged, BUSY))[1]
    assert (fault.code, fault.severity) == ("K518", "warning")
    assert fault.message == "`openai` reads `api_key` from `LLM_KEY`, which no task has"
    assert fault.help == "`targets: {argo: {secrets: {LLM_KEY: {name: ..., key: ...}}}}`"
    given = {"secrets": {"LLM_KEY": {"name": "llm", "key": "key"}}}
    assert codes(exported(judged, BUSY, given)) == []


# ------------------------------------------------------------------------------------- once more


@pytest.mark.parametrize(
    ("code", "retries", "wanted"),
    [
        (75, 0, True), (75, 11, True), (75, 12, False),  # pre-empted: as often as the limit
        (143, 5, True), (-1, 5, True),  # told to stop before it could say so; a node that is gone
        (3, 1, True), (3, 2, False), (137, 1, True), (137, 2, False),  # failed: as the recipe says
        (2, 0, False), (99, 0, False), (130, 0, False), (1, 0, False),  # never
    ],
)  # fmt: skip
def test_what_is_tried_again(code: int, retries: int, wanted: bool) -> None:
    strategy = retrying(Retry(times=2), preemptions=10)
    assert again(strategy, retries, code) is wanted


def test_what_is_never_tried_again_has_no_strategy() -> None:
    assert retrying(None, 0) is None
    assert not again(retrying(None, 10), 0, 3)


def test_waits() -> None:
    patient = retrying(Retry(times=3, backoff=1.5, max_backoff=3600.0), preemptions=0)
    assert patient is not None
    assert patient["backoff"] == {"duration": "1500ms", "factor": "2"}
    capped = retrying(Retry(times=3, backoff=10.0, max_backoff=15.0), preemptions=0)
    assert capped is not None
    assert capped["backoff"] == {"duration": "10s", "factor": "2", "cap": "15s"}
    assert duration(0.0001) == "1ms"


# ------------------------------------------------------------------------------------------ jobs


def job(settings: dict[str, Any] | None = None, **asked: Any) -> dict[str, Any]:
    """The manifest of a job, as a reader of YAML sees it, within its template."""
    export = exported(one(resources=Resources(**asked)), BUSY, settings)
    templates = workflow(emitted(export))["spec"]["templates"]
    found: dict[str, Any] = next(t["resource"] for t in templates if "resource" in t)
    return found | {"manifest": yaml.safe_load(found["manifest"])}


def test_a_training_job() -> None:
    found = job(nodes=2, gpu=8, cpu=4.0, memory="64Gi")
    spec = found["manifest"]["spec"]
    assert found["manifest"]["metadata"] == {"generateName": "toy-"}
    assert (spec["trainer"]["numNodes"], spec["trainer"]["numProcPerNode"]) == (2, 8)
    assert spec["trainer"]["command"][:5] == ["torchrun", "-m", "kitchen", "task",
                                              "/kitchen/plan/plan.json"]  # fmt: skip
    assert spec["trainer"]["resourcesPerNode"] == {
        "requests": {"cpu": "4", "memory": "64Gi"},
        "limits": {"memory": "64Gi", "nvidia.com/gpu": "8"},
    }
    assert spec["runtimeRef"]["kind"] == "ClusterTrainingRuntime"
    (override,) = spec["podTemplateOverrides"]
    assert [volume["name"] for volume in override["spec"]["volumes"]] == ["plan", "storage"]


def test_a_training_job_of_later_trainers() -> None:
    spec = job({"train_runtime": {"patches": "runtime_patches", "scope": "namespace"}}, nodes=1)
    patched = spec["manifest"]["spec"]["runtimePatches"][0]["trainingRuntimeSpec"]["template"]
    (replicated,) = patched["spec"]["replicatedJobs"]
    pod = replicated["template"]["spec"]["template"]["spec"]
    assert [container["name"] for container in pod["containers"]] == ["node"]
    assert spec["manifest"]["spec"]["runtimeRef"]["kind"] == "TrainingRuntime"


def test_a_pytorch_job() -> None:
    settings = {"train_runtime": {"kind": "pytorch_job"}, "node_selector": {"pool": "gpu"}}
    found = job(settings, nodes=3, gpu=2)
    replicas = found["manifest"]["spec"]["pytorchReplicaSpecs"]
    assert {name: each["replicas"] for name, each in replicas.items()} == {"Master": 1, "Worker": 2}
    pod = replicas["Worker"]["template"]["spec"]
    assert pod["nodeSelector"] == {"pool": "gpu"}
    assert pod["containers"][0]["name"] == "pytorch"
    assert found["failureCondition"].count(" > 0") == 2
    assert "Worker" not in job(settings, nodes=1)["manifest"]["spec"]["pytorchReplicaSpecs"]


def test_work_that_is_not_divided_is_told() -> None:
    assert codes(exported(one(resources=Resources(nodes=2)), BUSY)) == ["K515"]
    assert codes(exported(one(resources=Resources(nodes=1)), BUSY)) == []
    assert codes(exported(one(resources=Resources(nodes=1, gpu=2)), BUSY)) == ["K515"]


def test_a_job_tells_nothing() -> None:
    """What follows from its work is asked in a step of its own."""
    notes = Annotations(resources=Resources(nodes=1))
    export = exported(
        program(
            stage("number", value("a"), annotations=notes),
            branch(apply(">", value("a"), 1, type=BOOL), region(stage("report", value=value("a")))),
        ),
        BUSY,
    )
    assert 'name: "ask-if"' in emitted(export)["workflow.yaml"]


# ------------------------------------------------------------------------------ what does not fit


def test_nothing_to_run() -> None:
    idle = program(map_over([], region(stage("report", value=1), params=(value("i"),))))
    assert [fault.code for fault in refused(exported(idle, BUSY))] == ["K516"]
    assert [fault.code for fault in refused(exported(program(), BUSY))] == ["K516"]


def test_a_name_that_argo_would_read() -> None:
    odd = program(stage("report", value=1, called="a{{b}}"))
    assert [fault.code for fault in refused(exported(odd, BUSY))] == ["K512"]


def test_steps_that_are_too_deep() -> None:
    inner = region(stage("report", value=1, called="inner"))
    for number in range(105):
        alone = Annotations(image=f"image:{number}")
        other = stage("report", value=2, annotations=alone, called=f"beside_{number}")
        on = apply(">", value("a"), number, type=BOOL)
        inner = region(other, branch(on, inner, called=f"if_{number}"))
    deep = program(stage("number", value("a")), *inner.ops)
    found = refused(exported(deep, BUSY))
    assert [fault.code for fault in found] == ["K517"]


def padded(export: Exported, size: int) -> Exported:
    """The same with a plan of some size that cannot be compressed, or can."""
    return Exported(program=export.program, graph=export.graph, section=export.section,
                    plan=json.dumps("x" * size).encode())  # fmt: skip


def test_a_large_plan_is_compressed() -> None:
    export = padded(exported(one(), BUSY), 2_000_000)
    found = emitted(export)
    held = yaml.safe_load(found["config-map.yaml"])
    packed = base64.b64decode(held["binaryData"]["plan.json.gz"])
    assert gzip.decompress(packed) == unpacked(packed) == export.plan
    assert '- "/kitchen/plan/plan.json.gz"' in found["workflow.yaml"]


def test_a_plan_that_is_read_compressed_is_the_plan() -> None:
    export = exported(one(), BUSY)
    assert read_plan(unpacked(gzip.compress(export.plan))).graph == export.graph
    with pytest.raises(OSError, match="cut short"):
        unpacked(gzip.compress(export.plan)[:-9])


def test_what_is_larger_than_kubernetes_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 1_000)
    noise = "".join(f"{number * number:x}" for number in range(200_000))
    export = exported(one(), BUSY)
    large = Exported(
        program=export.program, graph=export.graph, section=export.section, plan=noise.encode()
    )
    found = {fault.code: fault.message for fault in TARGET.emit(large)[1]}
    assert found.keys() == {"K513", "K514"}
    assert "compressed" in found["K513"]


def test_an_export_that_does_not_hold_together_is_not_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = Fault("no-cycles", "main", "a waits for itself")
    monkeypatch.setattr(files, "verify", lambda documents: iter([broken]))
    (found,) = TARGET.emit(exported(one(), BUSY))[1]
    assert found.code == "K519"
    assert found.message.endswith("main: a waits for itself (no-cycles)")


# -------------------------------------------------------------------------- what stays in one task


def repeated(times: Expr | int, *, until: bool = True, called: str = "turn") -> Any:
    """A loop of two tasks."""
    turn = value(called)
    alone = Annotations(resources=Resources(cpu=2.0))
    return loop(
        span_of(times),
        region(
            stage("add", value(f"{called}_sum"), left=turn, right=1, annotations=alone),
            stage("report", value=value(f"{called}_sum"), called=f"{called}_log"),
            params=(turn,),
        ),
        called=called,
        **({"until": apply(">", value(f"{called}_sum"), 100, type=BOOL)} if until else {}),
    )


def kept_whole(*ops: Any) -> dict[str, str]:
    made = program(stage("number", value("a")), *ops)
    graph, _ = partition(made, BUSY)
    return dict(whole(made, graph))


def test_loops_within_the_limit_are_cut() -> None:
    assert kept_whole(repeated(96)) == {}
    assert kept_whole(repeated(97)).keys() == {"turn"}
    assert kept_whole(repeated(5_000, until=False)) == {}


def test_a_loop_that_nothing_bounds_stays_whole() -> None:
    most: Apply = apply("+", value("a"), 1)
    assert "nothing but the run" in kept_whole(repeated(most))["turn"]


def test_a_limit_that_only_the_run_knows() -> None:
    inner = region(stage("report", value=value("row"), called="one"),
                   stage("report", value=2, annotations=Annotations(image="b"), called="two"),
                   params=(value("row"),))  # fmt: skip
    over = apply("list", 1, 2, type=list_of(INT))
    limited = Map(name="each", over=over, max_parallel=apply("+", value("a"), 1), body=inner)
    assert "`max_parallel`" in kept_whole(limited)["each"]


def test_the_longest_of_two_loops_stays_whole() -> None:
    outer = repeated(40)
    inner = repeated(90, called="deep")
    body = region(*outer.body.ops, inner, params=outer.body.params)
    assert kept_whole(replace(outer, body=body)).keys() == {"deep"}


# ------------------------------------------------------------------------------------------ YAML

TRAPS = ("1e-3", "3e5", "0o17", "n", "y", "no", "null", "~", "0x1F", "1_000", "22:22", "", " a ",
         "- a", "a: b", "#", "'", '"', "\\", "a\nb\n", "\ttab", "{{x}}", "*a", "&a", "!a", "%a",
         "\x00", "\x85", "\u2028", "\ufeff", "\U0001f600", "é", "\ud7ff")  # fmt: skip


@pytest.mark.parametrize("text", TRAPS)
def test_texts_come_back(text: str) -> None:
    documents = render([{"a": text, text: {"b": [text, {"c": text}]}}]).decode()
    assert yaml.safe_load(documents) == {"a": text, text: {"b": [text, {"c": text}]}}
    assert yaml.safe_load(manifest({"a": text, "b": {"c": [text]}})) == {
        "a": text,
        "b": {"c": [text]},
    }
    assert yaml.safe_load(quoted(text)) == text
