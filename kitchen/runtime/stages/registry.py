"""Stages that keep versions of a model and say which of them is in use."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any, NamedTuple

from kitchen.ir.spec import Effect
from kitchen.runtime.config import Config, setting
from kitchen.runtime.ports import DataError, ModelRegistry, ModelVersion, Workspace
from kitchen.runtime.remembered import remembered
from kitchen.runtime.stage import stage
from kitchen.runtime.values import Evaluation, Weights

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"  #: what a model may be called


class FindVersionsConfig(Config):
    name: str = setting(pattern=NAME, doc="of the model, in the registry")


class Versions(NamedTuple):
    """The latest version of a model, and the one in use; none where there is none."""

    latest: ModelVersion | None
    baseline: ModelVersion | None


@stage(effect=Effect.WRITES)
def find_versions(
    *, config: FindVersionsConfig, registry: ModelRegistry, workspace: Workspace
) -> Versions:
    """The latest version of a model and its baseline, the version in use, as a run begins.

    What was found is kept in the run's folder: going on with the run starts from the same.
    """

    def find() -> dict[str, Any]:
        versions = registry.versions(config.name)
        used = registry.baselines(config.name)
        baseline = next((known for known in versions if known.version in used[-1:]), None)
        return {
            "latest": asdict(versions[-1]) if versions else None,
            "baseline": asdict(baseline) if baseline else None,
        }

    found = remembered(workspace, f"versions-{config.name}", find)
    latest, baseline = (
        None if found[key] is None else ModelVersion(**found[key]) for key in Versions._fields
    )
    return Versions(latest, baseline)


class RegisterModelConfig(Config):
    name: str = setting(pattern=NAME, doc="of the model, in the registry")
    judgements: int = setting(default=0, minimum=0, doc="feedback that there was to learn from")


@stage(effect=Effect.WRITES)
def register_model(
    weights: Weights,
    evaluation: Evaluation | None,
    *,
    config: RegisterModelConfig,
    registry: ModelRegistry,
    workspace: Workspace,
) -> ModelVersion:
    """Add saved weights to a registry as a new version, with the figures they were measured at."""
    if workspace.run is None:
        raise DataError("nothing is being run, so there is no folder to read from", help="run it")
    measured = {} if evaluation is None else asdict(evaluation)
    return registry.register(
        config.name,
        weights,
        workspace.run / weights.uri,
        metrics={name: float(value) for name, value in measured.items() if math.isfinite(value)},
        judgements=config.judgements,
    )


@stage(effect=Effect.WRITES)
def promote(model_version: ModelVersion, *, registry: ModelRegistry) -> None:
    """Make a version the baseline: the one in use, which the next is measured against."""
    registry.set_baseline(model_version.name, model_version.version)
