"""Templates that run a task as a job of several nodes: Kubeflow's TrainJob, or its PyTorchJob.

`torchrun` starts the task in each process. Argo makes the job, with a new name for each attempt,
and waits for what it says of itself.
"""

from __future__ import annotations

from kitchen.compiler.targets.argo.calls import Json, declared
from kitchen.compiler.targets.argo.pods import (
    environment,
    image_of,
    mounts,
    resources,
    volumes,
    waiting,
    words,
)
from kitchen.compiler.targets.argo.settings import Settings
from kitchen.compiler.targets.argo.shapes import Shape
from kitchen.compiler.targets.argo.yaml_text import manifest

#: The API group, resource and conditions of each kind. A TrainJob of the runtimes of PyTorch has
#: one job; selectors cannot look for a condition by its type.
KINDS = {
    "train_job": (
        "trainer.kubeflow.org",
        "trainjobs",
        "status.jobsStatus.0.succeeded > 0",
        "status.jobsStatus.0.failed > 0",
    ),
    "pytorch_job": (
        "kubeflow.org",
        "pytorchjobs",
        "status.replicaStatuses.Master.succeeded > 0",
        "status.replicaStatuses.Master.failed > 0, status.replicaStatuses.Worker.failed > 0",
    ),
}


def job(name: str, shape: Shape, settings: Settings, plan: str, prefix: str, plan_map: str) -> Json:
    """A template that runs a task of a shape on several nodes."""
    kind = settings.train_runtime.kind
    _, _, succeeded, failed = KINDS[kind]
    make = _train_job if kind == "train_job" else _pytorch_job
    found: Json = {"name": name, "inputs": declared(("task", "at"), at="")}
    if shape.retry is not None and shape.retry.times:
        times = shape.retry.times
        found["retryStrategy"] = {
            "limit": str(times),
            "retryPolicy": "Always",
            **waiting(shape.retry, times),
        }
    found["resource"] = {
        "action": "create",
        "setOwnerReference": True,
        "successCondition": succeeded,
        "failureCondition": failed,
        "manifest": manifest(make(shape, settings, plan, prefix, plan_map)),
    }
    return found


def _command(settings: Settings, plan: str) -> list[str]:
    """What starts the task. `torchrun` would take `--run` for one of its own options, shortened."""
    return [*settings.train_runtime.torchrun, "-m", "kitchen", *words(plan, "--run-dir")]


def _processes(shape: Shape) -> int:
    """Processes on each node: one for each device."""
    asked = shape.resources
    return asked.gpu if asked is not None and asked.gpu else 1


def _nodes(shape: Shape) -> int:
    assert shape.resources is not None
    assert shape.resources.nodes is not None, "a job has nodes"
    return shape.resources.nodes


def _train_job(
    shape: Shape, settings: Settings, plan: str, prefix: str, plan_map: str
) -> Json:  # fmt: skip
    runtime = settings.train_runtime
    kind = "ClusterTrainingRuntime" if runtime.scope == "cluster" else "TrainingRuntime"
    trainer: Json = {
        "image": image_of(shape, settings),
        "numNodes": _nodes(shape),
        "numProcPerNode": _processes(shape),
        "command": _command(settings, plan),
    }
    asked = resources(shape.resources, settings)
    trainer |= {"resourcesPerNode": asked} if asked else {}
    env = environment(settings)
    trainer |= {"env": env} if env else {}
    node: Json = {"name": "node", "volumeMounts": mounts(settings)}
    pod = {**_placed(settings), "volumes": volumes(settings, plan_map), "containers": [node]}
    if runtime.patches == "pod_template_overrides":
        patches: Json = {"podTemplateOverrides": [{"targetJobs": [{"name": "node"}], "spec": pod}]}
    else:
        jobs = [{"name": "node", "template": {"spec": {"template": {"spec": pod}}}}]
        spec = {"template": {"spec": {"replicatedJobs": jobs}}}
        patches = {"runtimePatches": [{"manager": "kitchen/argo", "trainingRuntimeSpec": spec}]}
    return {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "metadata": {"generateName": f"{prefix}-"},
        "spec": {
            "runtimeRef": {
                "apiGroup": "trainer.kubeflow.org",
                "kind": kind,
                "name": runtime.runtime,
            },
            "trainer": trainer,
            **patches,
        },
    }


def _pytorch_job(
    shape: Shape, settings: Settings, plan: str, prefix: str, plan_map: str
) -> Json:  # fmt: skip
    container: Json = {
        "name": "pytorch",  # the name by which the operator finds it
        "image": image_of(shape, settings),
        "command": _command(settings, plan),
        "volumeMounts": mounts(settings),
    }
    asked = resources(shape.resources, settings)
    container |= {"resources": asked} if asked else {}
    env = environment(settings)
    container |= {"env": env} if env else {}
    held = volumes(settings, plan_map)
    pod = {"spec": {**_placed(settings), "volumes": held, "containers": [container]}}
    replicas: Json = {"Master": {"replicas": 1, "restartPolicy": "Never", "template": pod}}
    workers = _nodes(shape) - 1
    if workers:
        replicas["Worker"] = {"replicas": workers, "restartPolicy": "Never", "template": pod}
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "PyTorchJob",
        "metadata": {"generateName": f"{prefix}-"},
        "spec": {"nprocPerNode": str(_processes(shape)), "pytorchReplicaSpecs": replicas},
    }


def _placed(settings: Settings) -> Json:
    """Where pods of a job run: what the workflow says of its own pods does not reach them."""
    found: Json = {}
    if settings.node_selector:
        found["nodeSelector"] = dict(settings.node_selector)
    if settings.tolerations:
        found["tolerations"] = tolerated(settings)
    if settings.image_pull_secrets:
        found["imagePullSecrets"] = [{"name": name} for name in settings.image_pull_secrets]
    return found


def tolerated(settings: Settings) -> list[Json]:
    """The taints that pods put up with."""
    found: list[Json] = []
    for each in settings.tolerations:
        given = {"key": each.key, "operator": each.operator, "value": each.value,
                 "effect": each.effect, "tolerationSeconds": each.seconds}  # fmt: skip
        found.append({name: value for name, value in given.items() if value is not None})
    return found
