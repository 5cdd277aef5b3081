"""What a run's bytes depend on beside its plan: versions, machine, settings of the process."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from kitchen.runtime.ports import AdapterError, DataError
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
            help="its recipe, the workflow that names, or kitchen itself is not what it was: "
            "put that back, or begin a new run",
        )
    now = provenance()
    return [
        difference
        for part in ("versions", "machine", "settings")
        for difference in _differences(record.get(part), now[part])
    ]


@contextmanager
def refusals() -> Iterator[None]:
    """What a port or the data has against going on keeps the run from it. Raises RunError."""
    try:
        yield
    except (AdapterError, DataError) as cause:
        raise RunError(str(cause), help=cause.help) from cause


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
