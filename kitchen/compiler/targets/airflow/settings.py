"""`targets: {airflow: ...}` of a recipe: what Airflow is told, as pydantic models.

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

#: What only a pod has.
OF_PODS = (
    "image", "image_pull_policy", "image_pull_secrets", "namespace", "service_account", "claim",
    "storage", "node_selector", "tolerations", "volumes", "volume_mounts",
)  # fmt: skip


class VariableOfAirflow(Closed):
    """A secret that is kept as a variable of Airflow's."""

    variable: Annotated[str, Field(min_length=1, max_length=250)]


class Settings(Closed):
    """All that a recipe may say of Airflow."""

    version: Literal["2", "3", 2, 3] | None = None  #: None: one file for both
    operator: Literal["task", "kubernetes"] = "task"
    kitchen: Annotated[tuple[Text, ...], Field(min_length=1)] = ("kitchen",)
    runs: Annotated[Text, Field(min_length=1)] | None = None
    base: Annotated[Text, Field(min_length=1)] | None = None
    pool: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    tags: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = ("kitchen",)
    max_active_tasks: Count | None = None
    preemptions: Annotated[int, Field(ge=0, le=1000)] = 10
    grace_seconds: Seconds = 120
    env: dict[Variable, Text] = Field(default_factory=dict)
    secrets: dict[Variable, SecretKey | VariableOfAirflow] = Field(default_factory=dict)
    # of pods
    image: Image | None = None
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    image_pull_secrets: tuple[Subdomain, ...] = ()
    namespace: Label | None = None
    service_account: Subdomain | None = None
    claim: Subdomain = "kitchen"
    storage: Folder = "/kitchen/storage"
    start_seconds: Seconds = 600
    gpu: LabelKey = "nvidia.com/gpu"
    node_selector: dict[LabelKey, LabelValue] = Field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    volumes: tuple[Volume, ...] = ()
    volume_mounts: tuple[Mount, ...] = ()

    @model_validator(mode="after")
    def one_place_for_each(self) -> Settings:
        """A variable of the environment comes from one place, and from one that there is."""
        both = self.env.keys() & self.secrets.keys()
        if both:
            raise fault(f"`{min(both)}` is in `env` and in `secrets`")
        for name, secret in self.secrets.items():
            if isinstance(secret, SecretKey) != (self.operator == "kubernetes"):
                meant = "{name, key}" if self.operator == "kubernetes" else "{variable}"
                raise fault(f"`secrets.{name}` is `{meant}` with `operator: {self.operator}`")
        return self

    @model_validator(mode="after")
    def pods(self) -> Settings:
        """What only pods have is said of pods, and what they mount is there."""
        if self.operator == "task":
            idle = [name for name in OF_PODS if name in self.model_fields_set]
            if idle:
                raise fault(f"`{idle[0]}` is for pods, which `operator: kubernetes` makes")
            return self
        names = [volume.name for volume in self.volumes]
        twice = {name for name in names if names.count(name) > 1} | ({"plan", "storage"} & {*names})
        if twice:
            raise fault(f"two volumes are called `{min(twice)}`")
        unknown = [mount.name for mount in self.volume_mounts if mount.name not in names]
        if unknown:
            raise fault(f"there is no volume `{unknown[0]}` to mount")
        return self
