"""What a run's bytes depend on beside its plan: versions, machine, settings of the process."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from kitchen.runtime.run_directory import RunDirectory, RunError

LIBRARIES = (
    "kitchen",
    "torch",
    "transformers",
    "peft",
    "tokenizers",
    "safetensors",
    "numpy",
    "pyarrow",
    "pydantic",
)
#: Environment variables that change what is computed, or in which order it is summed.
SETTINGS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "MKL_CBWR",
    "CUDA_VISIBLE_DEVICES",
    "CUBLAS_WORKSPACE_CONFIG",
    "NVIDIA_TF32_OVERRIDE",
    "PYTHONHASHSEED",
)


def provenance() -> dict[str, dict[str, str]]:
    """Versions, machine and settings of this process, as `run.json` keeps them."""
    return {
        "versions": {"python": platform.python_version(), **_installed()},
        "machine": {
            "system": platform.platform(),
            "processor": platform.machine(),
            "cores": str(os.cpu_count()),
        },
        "settings": {name: os.environ[name] for name in SETTINGS if name in os.environ},
    }


def check_resume(run: RunDirectory, *, plan_digest: str) -> list[str]:
    """Refuse to go on with another plan; gives, in words, what else is not as it was."""
    record = run.record()
    if record.get("digest") != plan_digest:
        raise RunError(
            f"the plan of `{run.path}` has changed since the run began",
            help=f"`kitchen diff {run.path / 'recipe.yaml'} RECIPE` shows how; "
            "undo that, or begin a new run",
        )
    now = provenance()
    return [
        difference
        for part in ("versions", "machine", "settings")
        for difference in _differences(record.get(part), now[part])
    ]


def _installed() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _differences(before: Any, now: Mapping[str, str]) -> list[str]:
    before = before if isinstance(before, dict) else {}
    return [
        f"{name} was {before.get(name, 'not set')} and is {now.get(name, 'not set')}: "
        "the rest of the run may differ in the last bits"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
