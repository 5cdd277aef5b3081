"""What `docs/export.md` says of each construct is what the recipes become."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from kitchen.api import export
from kitchen.compiler.targets import NAMES
from kitchen.compiler.targets.airflow.settings import Settings as AirflowSettings
from kitchen.compiler.targets.argo.settings import Settings as ArgoSettings
from kitchen.ir.diagnostic import CompileError, Severity
from kitchen.ir.serde.plan import Plan, read_plan
from kitchen.ir.task_graph import Group, TaskGraph
from kitchen.ir.walk import walk
from tests.architecture import ROOT
from tests.targets.cases import RECIPES

PAGE = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
WORKFLOWS = {"airflow": "*.py", "argo": "workflow.yaml"}


class Row(NamedTuple):
    """A construct, its recipe with the settings to export it with, and what each engine makes."""

    construct: str
    recipe: Path
    settings: dict[str, str]
    cells: dict[str, str]


def rows() -> Iterator[Row]:
    section = PAGE.partition("## What becomes what")[2].partition("\n## ")[0]
    for line in section.splitlines():
        if line.startswith("| ") and "](" in line:
            construct, recipe, *cells = (cell.strip() for cell in line.strip("|").split(" | "))
            link = re.search(r"\]\((.*?)\)", recipe)
            assert link is not None
            settings = dict(text.split("=") for text in re.findall("`(.*?)`", recipe))
            path = ROOT / "docs" / link[1]
            yield Row(construct, path, settings, dict(zip(NAMES, cells, strict=True)))


ROWS = list(rows())


def cut(graph: TaskGraph) -> Iterator[str]:
    """The names of the groups that were cut into tasks."""
    for node in graph.nodes:
        if isinstance(node, Group):
            yield node.op.name
            for inner in node.graphs:
                yield from cut(inner)


def in_one_task(plan: Plan) -> bool:
    """Whether a task has a loop or map that is not about a handle, but of stages apart."""
    ops = (op for task in plan.graph.tasks() for op in walk(task.region))
    return any(len(getattr(op, "body", None).ops) > 1 for op in ops if hasattr(op, "body"))


@pytest.mark.parametrize("target", NAMES)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.construct)
def test_a_construct_becomes_what_the_table_says(
    row: Row, target: str, pantry: None, tmp_path: Path
) -> None:
    cell = row.cells[target]
    shown = re.findall("`(.*?)`", cell)
    codes = {text for text in shown if re.fullmatch(r"K\d{3}", text)}
    try:
        export(row.recipe, target, tmp_path / "out", overrides=row.settings)
    except CompileError as error:
        found = {d.code for d in error.diagnostics if d.severity is Severity.ERROR}
        assert found == codes != set()
        return
    assert not codes
    (workflow,) = (tmp_path / "out").glob(WORKFLOWS[target])
    text = workflow.read_text(encoding="utf-8")
    missing = [each for each in shown if each not in text]
    assert not missing
    plan = read_plan((tmp_path / "out" / "plan.json").read_bytes())
    assert in_one_task(plan) == ("in one task" in cell)
    assert shown or "in one task" in cell or "as above" in cell


def test_the_table_has_every_recipe() -> None:
    assert {row.recipe.resolve() for row in ROWS} == {*RECIPES.glob("*.yaml")}


@pytest.mark.parametrize(
    ("title", "settings"), [("Argo", ArgoSettings), ("Airflow", AirflowSettings)]
)
def test_every_setting_is_described(
    title: str, settings: type[ArgoSettings] | type[AirflowSettings]
) -> None:
    section = PAGE.partition(f"### {title}\n")[2].partition("\n#")[0]
    cells = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    described = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(described) == sorted(settings.model_fields)
