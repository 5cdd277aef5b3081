"""The folder that all tasks of one run share. Whichever task comes first makes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kitchen.ir.serde.plan import Plan, PlanError, read_plan
from kitchen.runtime import store
from kitchen.runtime.provenance import provenance
from kitchen.runtime.run_directory import RunError


def join(path: Path, plan: Plan, data: bytes, base: Path) -> None:
    """Make the folder of a run, unless another task has. Raises RunError where it is not its.

    `data` is the plan's file. Each file appears whole and `run.json` last; tasks that come at the
    same time write the same.
    """
    if not (path / "run.json").is_file():
        begun = beginnings(plan, data, base)
        for name, content in begun.items():
            store.commit_file(path / name, content)
    known = plan_in(path)
    if known.checksum != plan.checksum:
        raise RunError(
            f"`{path}` holds a run of another plan",
            help="give the tasks of each run a folder of their own by `--run`",
        )


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
