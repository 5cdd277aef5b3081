"""Settings that every target with pods has, as pydantic models. Imported on export alone."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError


def fault(message: str) -> PydanticCustomError:
    return PydanticCustomError("kitchen", message)


def plain(text: str) -> str:
    """A text that neither engines nor Kubernetes read as anything but itself."""
    if "{{" in text or "}}" in text:
        raise fault("an engine would read `{{ }}` as a variable")
    if "$(" in text:
        raise fault("Kubernetes would read `$( )` as a variable")
    if not text.isprintable():
        raise fault("it has characters that cannot be seen")
    return text


def matching(pattern: str, meaning: str, longest: int = 253) -> AfterValidator:
    """A text that has a form, told in words where it has not."""

    def check(text: str) -> str:
        if len(text) > longest or not re.fullmatch(pattern, text):
            raise fault(f"it is no {meaning}")
        return text

    return AfterValidator(check)


LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
Text = Annotated[str, AfterValidator(plain)]
Label = Annotated[str, matching(LABEL, "name of lower-case letters, digits and `-`", 63)]
Subdomain = Annotated[str, matching(rf"{LABEL}(\.{LABEL})*", "name of a Kubernetes object")]
Variable = Annotated[str, matching(r"[A-Za-z_][A-Za-z0-9_]*", "name of an environment variable")]
Key = Annotated[str, matching(r"[-._a-zA-Z0-9]+", "key of a secret or config map")]
Image = Annotated[str, matching(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*", "image")]
Folder = Annotated[
    str, matching(r"/([A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*)?", "path from `/` on", 1024)
]
LabelKey = Annotated[
    str,
    matching(
        rf"({LABEL}(\.{LABEL})*/)?[A-Za-z0-9]([-._A-Za-z0-9]{{0,61}}[A-Za-z0-9])?", "label", 317
    ),
]
LabelValue = Annotated[
    str, matching(r"([A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?)?", "value of a label", 63)
]
Seconds = Annotated[int, Field(ge=0, le=10 * 365 * 24 * 3600)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class Closed(BaseModel):
    """Settings among which no other may stand."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SecretKey(Closed):
    """One entry of a Kubernetes Secret."""

    name: Subdomain
    key: Key


class Toleration(Closed):
    """A taint of nodes that pods put up with."""

    key: LabelKey | None = None
    operator: Literal["Exists", "Equal"] | None = None
    value: LabelValue | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    seconds: Seconds | None = None


class Volume(Closed):
    """A volume by one of the things that can be behind it."""

    name: Label
    claim: Subdomain | None = None
    secret: Subdomain | None = None
    config_map: Subdomain | None = None
    empty_dir: Literal["disk", "memory"] | None = None

    @model_validator(mode="after")
    def one_source(self) -> Volume:
        """A volume has one thing behind it."""
        given = [self.claim, self.secret, self.config_map, self.empty_dir]
        if sum(each is not None for each in given) != 1:
            raise fault("a volume is one of `claim`, `secret`, `config_map` and `empty_dir`")
        return self


class Mount(Closed):
    """Where a volume is seen in the containers."""

    name: Label
    path: Folder
    sub_path: Annotated[str, matching(r"[A-Za-z0-9._/-]+", "path")] | None = None
    read_only: bool = False
