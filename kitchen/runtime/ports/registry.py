"""The `registry` port: versions of models, and which of them is in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Protocol

from kitchen.ir.frozen import frozen
from kitchen.runtime.values import Record, Weights


@frozen(kw_only=True)
class ModelVersion(Record):
    """One version of a model.

    `uri` is what a recipe's `model` takes to load it, `digest` that of its weights' folder.
    `judgements` counts the feedback that there was when it was made.
    """

    name: str
    version: int  #: counts from 1
    uri: str
    digest: str
    kind: str
    judgements: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)


class ModelRegistry(Protocol):
    """Keeps versions of models. Versions, and the order in which they were in use, only grow.

    A name is of `[A-Za-z0-9._-]` and begins with a letter or a digit.
    """

    def versions(self, name: str) -> list[ModelVersion]:
        """Every version of a model, oldest first."""
        ...

    def register(
        self,
        name: str,
        weights: Weights,
        folder: Path,
        *,
        metrics: Mapping[str, float],
        judgements: int = 0,
    ) -> ModelVersion:
        """Add a version whose weights lie in a folder, all or nothing.

        What is the latest version already, to the byte and in all it is described by, is that.
        """
        ...

    def baselines(self, name: str) -> list[int]:
        """The versions that were in use, one after the other; the last of them is."""
        ...

    def set_baseline(self, name: str, version: int) -> None:
        """Put a version in use; nothing changes if it is. AdapterError if there is none such."""
        ...
