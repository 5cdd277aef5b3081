"""The `registry` port in memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kitchen.runtime.adapter import NoConfig
from kitchen.runtime.model_versions import (
    known_already,
    require_model_name,
    require_unchanged,
    require_version,
)
from kitchen.runtime.ports import ModelVersion, Workspace
from kitchen.runtime.values import Weights


class MemoryRegistry:
    """Versions by name; the weights of each are where they lay when it was registered."""

    def __init__(self, config: NoConfig, workspace: Workspace) -> None:
        self.known: dict[str, list[ModelVersion]] = {}
        self.used: dict[str, list[int]] = {}

    def versions(self, name: str) -> list[ModelVersion]:
        return list(self.known.get(require_model_name(name), ()))

    def register(
        self,
        name: str,
        weights: Weights,
        folder: Path,
        *,
        metrics: Mapping[str, float],
        judgements: int = 0,
    ) -> ModelVersion:
        require_unchanged(weights, folder)
        versions = self.known.setdefault(require_model_name(name), [])
        made = ModelVersion(
            name=name,
            version=len(versions) + 1,
            uri=str(folder),
            digest=weights.digest,
            kind=weights.kind,
            judgements=judgements,
            metrics=dict(metrics),
        )
        if known_already(versions, made):
            return versions[-1]
        versions.append(made)
        return made

    def baselines(self, name: str) -> list[int]:
        return list(self.used.get(require_model_name(name), ()))

    def set_baseline(self, name: str, version: int) -> None:
        require_version(self.versions(name), name, version)
        used = self.used.setdefault(name, [])
        if used[-1:] != [version]:
            used.append(version)
