"""Templates that run a task in a pod: its container, what it asks for, when it is tried again."""

from __future__ import annotations

import math

from kitchen.compiler.targets.argo.calls import Json, declared
from kitchen.compiler.targets.argo.settings import Settings
from kitchen.compiler.targets.argo.shapes import Shape
from kitchen.ir.program import Resources, Retry

PLAN_FOLDER = "/kitchen/plan"
TOLD_FOLDER = "/tmp/kitchen-decisions"
RUN = "{{workflow.parameters.runs}}/{{workflow.name}}"

#: Exit codes: pre-empted, or told to stop before it could say so; a stage that failed, or a process
#: that was killed; and a pod that is gone, or whose results could not be told, for which Argo has
#: `Error`.
PREEMPTED, FAILED, GONE = (75, 143), (3, 137), (-1, 0)

#: How long a task waits that was pre-empted and has no `retry`: what takes nodes away takes many.
PATIENCE = Retry(times=0, backoff=5.0, max_backoff=120.0)


def pod(name: str, shape: Shape, settings: Settings, plan: str) -> Json:
    """A template that runs a task of a shape."""
    tells = range(1, shape.tells + 1)
    found: Json = {"name": name}
    keyed = is_keyed(shape, settings)
    takes = ("task", "at", *(f"tell-{n}" for n in tells), *(("key",) if keyed else ()))
    found["inputs"] = declared(takes, at="")
    outputs: Json = {}
    if shape.tells:
        path = f"{TOLD_FOLDER}/{{{{inputs.parameters.tell-%d}}}}"
        outputs["parameters"] = [
            {"name": f"told-{n}", "valueFrom": {"path": path % n}} for n in tells
        ]
    if keyed and settings.artifacts is not None:
        outputs["artifacts"] = [_outcome(settings.artifacts)]
    if outputs:
        found["outputs"] = outputs
    strategy = retrying(shape.retry, settings.preemptions)
    if strategy is not None:
        found["retryStrategy"] = strategy
    if shape.timeout is not None:
        # Each stage has its own limit inside the task: this one is for a process that hangs.
        found["activeDeadlineSeconds"] = math.ceil(shape.timeout) + settings.start_seconds
    found["container"] = container(shape, settings, plan)
    return found


def is_keyed(shape: Shape, settings: Settings) -> bool:
    """Whether Argo keeps what tasks of a shape leave."""
    return settings.artifacts is not None and not (shape.job or shape.asks)


def _outcome(store: str) -> Json:
    """What a task leaves in the folder of the run, by a key in Argo's own artifact repository."""
    return {
        "name": "outcome",
        "path": f"{RUN}/tasks/{{{{inputs.parameters.key}}}}/outcome",
        "archive": {"none": {}},
        "optional": True,  # a task that fails leaves none
        store: {"key": "{{workflow.name}}/{{inputs.parameters.key}}"},
    }


def container(shape: Shape, settings: Settings, plan: str) -> Json:
    """What runs in the pod."""
    command, *first = settings.kitchen
    found: Json = {"image": image_of(shape, settings)}
    if settings.image_pull_policy is not None:
        found["imagePullPolicy"] = settings.image_pull_policy
    found["command"] = [command]
    found["args"] = [*first, *words(plan)]
    if shape.tells:
        found["args"] = [*first, *words(plan), f"--decisions={TOLD_FOLDER}"]
    asked = resources(shape.resources, settings)
    if asked:
        found["resources"] = asked
    env = environment(settings)
    if env:
        found["env"] = env
    found["volumeMounts"] = mounts(settings)
    return found


def words(plan: str, run: str = "--run") -> list[str]:
    """What `kitchen` is told, each word an argument of its own: no shell reads any of them."""
    return [
        "task",
        plan,
        "{{inputs.parameters.task}}",
        "--at={{inputs.parameters.at}}",
        f"{run}={RUN}",
        "--base={{workflow.parameters.base}}",
    ]


def image_of(shape: Shape, settings: Settings) -> str:
    """The image of a task, or that of all."""
    found = shape.image or settings.image
    assert found is not None, "an image is settled before anything is written"
    return found


def resources(asked: Resources | None, settings: Settings) -> Json:
    """Requests and limits: memory and devices are bounded, a processor may be shared."""
    if asked is None:
        return {}
    cpu = {} if asked.cpu is None else {"cpu": _cpu(asked.cpu)}
    memory = {} if asked.memory is None else {"memory": asked.memory}
    gpu = {} if not asked.gpu else {settings.gpu: str(asked.gpu)}
    found = {"requests": {**cpu, **memory}, "limits": {**memory, **gpu}}
    return {name: amounts for name, amounts in found.items() if amounts}


def _cpu(count: float) -> str:
    return str(int(count)) if count == int(count) else f"{math.ceil(count * 1000)}m"


def environment(settings: Settings) -> list[Json]:
    """Variables with their values, and secrets by reference alone."""
    plain: list[Json] = [{"name": name, "value": value} for name, value in settings.env.items()]
    secret: list[Json] = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": held.name, "key": held.key}}}
        for name, held in settings.secrets.items()
    ]
    return plain + secret


def mounts(settings: Settings) -> list[Json]:
    """Where a container sees the plan, the runs, and what else the recipe asks for."""
    found: list[Json] = [
        {"name": "plan", "mountPath": PLAN_FOLDER, "readOnly": True},
        {"name": "storage", "mountPath": settings.storage},
    ]
    for mount in settings.volume_mounts:
        one: Json = {"name": mount.name, "mountPath": mount.path}
        if mount.sub_path is not None:
            one["subPath"] = mount.sub_path
        if mount.read_only:
            one["readOnly"] = True
        found.append(one)
    return found


def volumes(settings: Settings, config_map: str) -> list[Json]:
    """What is mounted, and what is behind it."""
    found: list[Json] = [
        {"name": "plan", "configMap": {"name": config_map}},
        {"name": "storage", "persistentVolumeClaim": {"claimName": settings.claim}},
    ]
    for volume in settings.volumes:
        if volume.claim is not None:
            held: Json = {"persistentVolumeClaim": {"claimName": volume.claim}}
        elif volume.secret is not None:
            held = {"secret": {"secretName": volume.secret}}
        elif volume.config_map is not None:
            held = {"configMap": {"name": volume.config_map}}
        else:
            held = {"emptyDir": {"medium": "Memory"} if volume.empty_dir == "memory" else {}}
        found.append({"name": volume.name, **held})
    return found


# ------------------------------------------------------------------------------------ once more


def retrying(retry: Retry | None, preemptions: int) -> Json | None:
    """When a pod that has ended is followed by another.

    One that was pre-empted, or whose node is gone, always; one that failed, as the recipe says; one
    with bad input never. Argo counts all of them together, in `retries`.
    """
    times = 0 if retry is None else retry.times
    if times + preemptions == 0:
        return None
    code = "asInt(lastRetry.exitCode)"
    rules = []
    if preemptions:
        rules.append(f"{code} in [{_listed(PREEMPTED)}]")
        rules.append(f"(lastRetry.status == 'Error' && {code} in [{_listed(GONE)}])")
    if times:
        rules.append(f"({code} in [{_listed(FAILED)}] && asInt(retries) < {times})")
    found: Json = {
        "limit": str(times + preemptions),
        "retryPolicy": "Always",
        "expression": " || ".join(rules),
    }
    return found | waiting(retry or PATIENCE, times + preemptions)


def waiting(retry: Retry | None, times: int) -> Json:
    """How long to wait: twice as long each time, up to what the recipe allows."""
    if retry is None or not retry.backoff:
        return {}
    found: Json = {"duration": duration(retry.backoff), "factor": "2"}
    if retry.backoff * 2 ** max(times - 1, 0) > retry.max_backoff:
        found["cap"] = duration(retry.max_backoff)
    return {"backoff": found}


def duration(seconds: float) -> str:
    """A time as Go reads it.

    >>> duration(30.0), duration(0.25)
    ('30s', '250ms')
    """
    whole = seconds == int(seconds)
    return f"{int(seconds)}s" if whole else f"{math.ceil(seconds * 1000)}ms"


def _listed(codes: tuple[int, ...]) -> str:
    return ", ".join(map(str, codes))
