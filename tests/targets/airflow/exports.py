"""Recipes of the tests as DAGs, a name for each: one recipe with other settings is another DAG."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from kitchen.api import export
from tests.targets.cases import RECIPES, Case


@dataclass(frozen=True)
class Exports:
    """A copy of the recipes, and a folder for DAGs."""

    recipes: Path
    dags: Path

    @classmethod
    def under(cls, folder: Path) -> Exports:
        shutil.copytree(RECIPES, folder / "recipes")
        (folder / "dags").mkdir()
        return cls(folder / "recipes", folder / "dags")

    def case(self, case: Case, settings: Mapping[str, object] | None = None) -> str:
        """Export a case; gives the id of its DAG."""
        return self.recipe(case.path, dag_name(case), case.settings, settings)

    def recipe(
        self,
        path: Path,
        name: str,
        overrides: Mapping[str, object],
        settings: Mapping[str, object] | None = None,
    ) -> str:
        """Export a recipe under a name, with settings of Airflow's."""
        recipe = yaml.safe_load(path.read_text(encoding="utf-8")) | {"recipe": name}
        if settings is not None:
            recipe["targets"] = {"airflow": dict(settings)}
        copy = self.recipes / f"{name}.yaml"
        copy.write_text(yaml.safe_dump(recipe), encoding="utf-8")
        export(copy, "airflow", self.dags / name, overrides=overrides)
        return name

    def run_of(self, name: str, run_id: str) -> Path:
        return self.dags / name / "runs" / run_id


def dag_name(case: Case) -> str:
    return re.sub(r"[^\w.-]", "-", case.id)
