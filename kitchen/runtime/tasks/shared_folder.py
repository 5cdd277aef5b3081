"""The folder that all tasks of one run share. Whichever task comes first makes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kitchen.ir.places import Place, instance_key
from kitchen.ir.serde.plan import Plan, PlanError, read_plan
from kitchen.runtime import store
from kitchen.runtime.provenance import provenance
from kitchen.runtime.run_directory import RunError


def join(path: Path, plan: Plan, data: bytes, base: Path, writer: str) -> None:
    """Make the folder of a run, unless another task has. Raises RunError where it is not its.

    `data` is the plan's file; `writer` is who this is. Each file appears whole and `run.json` last;
    tasks that come at the same time write the same.
    """
    if not (path / "run.json").is_file():
        with store.written_as(writer):
            for name, content in beginnings(plan, data, base).items():
                store.commit_file(path / name, content)
    known = plan_in(path)
    if known.checksum != plan.checksum:
        raise RunError(
            f"`{path}` holds a run of another plan",
            help="give the tasks of each run a folder of their own by `--run`",
        )


def writer_of(name: str, place: Place) -> str:
    """What the unfinished files of a task at a place are signed with, in each attempt at it."""
    return hashlib.sha256(instance_key(name, place).encode()).hexdigest()[:16]


def plan_in(path: Path) -> Plan:
    """The plan of a run in tasks. Raises RunError where there is none."""
    try:
        return read_plan((path / "plan.json").read_bytes())
    except (OSError, PlanError) as cause:
        raise RunError(
            f"`{path}` holds no run in tasks: {cause}",
            help="`--run` names the folder that the tasks of one run share",
        ) from cause


def runs_in_tasks(record: Mapping[str, Any]) -> bool:
    """Whether a run, by its `run.json`, is one in tasks."""
    return record.get("tasks") is True


def beginnings(plan: Plan, data: bytes, base: Path) -> dict[str, bytes]:
    """The files that the folder of a run begins with."""
    record = {
        "recipe": plan.program.name,
        "path": plan.recipe.name,
        "base": str(base.resolve()),
        "overrides": dict(plan.overrides),
        "digest": plan.digest,
        "tasks": True,
        **provenance(),
    }
    return {
        "recipe.yaml": plan.recipe.text.encode(),
        "plan.json": data,
        "run.json": json.dumps(record, indent=1).encode() + b"\n",
    }
