"""`targets: {argo: ...}` of a recipe: what the cluster is told, as pydantic models.

Imported when something is exported, and not before.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from kitchen.compiler.targets.kubernetes import (
    Closed,
    Count,
    Folder,
    Image,
    Key,
    Label,
    LabelKey,
    LabelValue,
    Mount,
    Seconds,
    SecretKey,
    Subdomain,
    Text,
    Toleration,
    Variable,
    Volume,
    fault,
)


class Semaphore(Closed):
    """A count in a ConfigMap: how many may run at a time."""

    config_map: Subdomain
    key: Key


class Synchronization(Closed):
    """What a run waits for, so that it is alone or one of few."""

    mutexes: tuple[Label, ...] = ()
    semaphores: tuple[Semaphore, ...] = ()


class TimeToLive(Closed):
    """After how many seconds a workflow that has ended is deleted."""

    completion: Seconds | None = None
    success: Seconds | None = None
    failure: Seconds | None = None


class TrainRuntime(Closed):
    """What runs tasks that ask for `nodes`."""

    kind: Literal["train_job", "pytorch_job"] = "train_job"
    runtime: Subdomain = "torch-distributed"
    scope: Literal["cluster", "namespace"] = "cluster"
    #: Kubeflow Trainer 2.0 and 2.1 have the one, later ones the other.
    patches: Literal["pod_template_overrides", "runtime_patches"] = "pod_template_overrides"
    torchrun: Annotated[tuple[Text, ...], Field(min_length=1)] = ("torchrun",)


class Settings(Closed):
    """All that a recipe may say of Argo."""

    kind: Literal["workflow", "template"] = "workflow"
    image: Image | None = None
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    image_pull_secrets: tuple[Subdomain, ...] = ()
    kitchen: Annotated[tuple[Text, ...], Field(min_length=1)] = ("kitchen",)
    namespace: Label | None = None
    service_account: Subdomain | None = None
    claim: Subdomain = "kitchen"
    storage: Folder = "/kitchen/storage"
    runs: Folder | None = None
    base: Folder | None = None
    node_selector: dict[LabelKey, LabelValue] = Field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    artifacts: Literal["s3", "gcs", "oss"] | None = None
    gpu: LabelKey = "nvidia.com/gpu"
    env: dict[Variable, Text] = Field(default_factory=dict)
    secrets: dict[Variable, SecretKey] = Field(default_factory=dict)
    volumes: tuple[Volume, ...] = ()
    volume_mounts: tuple[Mount, ...] = ()
    parallelism: Count | None = None
    preemptions: Annotated[int, Field(ge=0, le=1000)] = 10
    grace_seconds: Seconds = 120
    start_seconds: Seconds = 600
    pod_gc: (
        Literal["OnPodCompletion", "OnPodSuccess", "OnWorkflowCompletion", "OnWorkflowSuccess"]
        | None
    ) = None
    ttl_seconds: Seconds | TimeToLive = 7 * 24 * 3600
    synchronization: Synchronization = Synchronization()
    concurrency: Literal["Allow", "Forbid", "Replace"] = "Forbid"
    starting_deadline_seconds: Seconds | None = None
    train_runtime: TrainRuntime = TrainRuntime()

    @property
    def run_folder(self) -> str:
        """The folder of all runs: on the storage, unless it is said where."""
        return f"{self.storage.rstrip('/')}/runs" if self.runs is None else self.runs

    @property
    def data_folder(self) -> str:
        """Where relative data files lie."""
        return self.storage if self.base is None else self.base

    @model_validator(mode="after")
    def runs_are_kept(self) -> Settings:
        """The folder of runs is one that all pods see: in a container it would be gone with it."""
        mounted = [self.storage, *(mount.path for mount in self.volume_mounts)]
        if not any(f"{self.run_folder}/".startswith(f"{path.rstrip('/')}/") for path in mounted):
            raise fault(f"`runs: {self.runs}` is on no volume; `storage` is at `{self.storage}`")
        return self

    @model_validator(mode="after")
    def known_volumes(self) -> Settings:
        """What is mounted is there, and no name stands for two things."""
        names = [volume.name for volume in self.volumes]
        twice = {name for name in names if names.count(name) > 1} | ({"plan", "storage"} & {*names})
        if twice:
            raise fault(f"two volumes are called `{min(twice)}`")
        unknown = [mount.name for mount in self.volume_mounts if mount.name not in names]
        if unknown:
            raise fault(f"there is no volume `{unknown[0]}` to mount")
        paths = [self.storage, "/kitchen/plan", *(mount.path for mount in self.volume_mounts)]
        if "/" in paths:
            raise fault("a volume is mounted on a folder of its own, not on `/`")
        shared = [path for path in paths if paths.count(path) > 1]
        if shared:
            raise fault(f"two volumes are mounted on `{shared[0]}`")
        both = self.env.keys() & self.secrets.keys()
        if both:
            raise fault(f"`{min(both)}` is in `env` and in `secrets`")
        return self
