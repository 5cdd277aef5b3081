"""Every recipe that comes with kitchen is exported to every engine, and runs there as tasks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kitchen.api import export
from kitchen.compiler.targets import NAMES
from kitchen.ir.diagnostic import Severity
from kitchen.ir.serde.plan import read_plan
from tests.architecture import ROOT

SHIPPED = sorted((ROOT / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("target", NAMES)
@pytest.mark.parametrize("recipe", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_recipe_is_exported(recipe: Path, target: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    warnings = export(tmp_path / "recipes" / recipe.name, target, tmp_path / "out")
    assert {warning.severity for warning in warnings} <= {Severity.WARNING}
    readme = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    plan = read_plan((tmp_path / "out" / "plan.json").read_bytes())
    assert plan.base == "../recipes"
    for title in ("How to submit it", "Where data has to lie", "Tasks", "Parameters", "Files"):
        assert f"\n## {title}\n" in readme
    assert all(f"| `{task.name}` |" in readme for task in plan.graph.tasks() if "/" in task.name)
    submit = readme.partition("```console\n")[2].partition("```")[0].splitlines()
    assert 2 <= len(submit) <= 4
    assert all(line.startswith("$ ") for line in submit)
    said = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    assert str(tmp_path).encode() not in said
    assert str(ROOT).encode() not in said
