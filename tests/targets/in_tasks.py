"""Recipes in tasks: their plan as a file, and a run of it in this process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kitchen.api import compile_recipe
from kitchen.compiler.partition import partition
from kitchen.ir.diagnostic import demand
from kitchen.ir.serde.plan import Plan, plan_bytes, plan_to_json, read_plan
from kitchen.ir.source import Source
from kitchen.loaded import registry
from tests.runtime.tasks.toys import InProcess
from tests.targets.cases import Case


def plan_of(recipe: Path, settings: Mapping[str, object] | None = None) -> bytes:
    """The plan of a recipe, as its file holds it."""
    program = compile_recipe(recipe, overrides=settings or {}).program
    graph, faults = partition(program, registry())
    demand(faults)
    source = Source(recipe.name, recipe.read_text())
    plan = plan_to_json(
        program,
        graph,
        recipe=source,
        base=str(recipe.parent),
        called=lambda document: Path(document.name).name,
    )
    return plan_bytes(plan)


def write_plan(case: Case, folder: Path) -> Path:
    """The plan of a case as a file in a folder."""
    path = folder / "plan.json"
    path.write_bytes(plan_of(case.path, case.settings))
    return path


def in_process(case: Case, folder: Path) -> InProcess:
    """A run of a case with what is installed."""
    plan: Plan = read_plan(plan_of(case.path, case.settings))
    return InProcess(plan, folder, base=case.path.parent, installed={})
