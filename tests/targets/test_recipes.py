"""The recipes of constructs do what they say when they are run in one process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kitchen.api import run
from kitchen.runtime.calls import StageError
from tests.targets.cases import CASES, RECIPES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_a_recipe_keeps(case: Case, pantry: None, tmp_path: Path) -> None:
    if case.fails is None:
        run(case.path, run_dir=tmp_path / "run", overrides=case.settings)
    else:
        with pytest.raises(StageError) as caught:
            run(case.path, run_dir=tmp_path / "run", overrides=case.settings)
        assert caught.value.op.name == case.fails
    kept = {name: json.loads((tmp_path / "run" / name).read_text()) for name in case.keeps}
    assert kept == case.keeps


def test_every_recipe_has_a_case() -> None:
    assert {path.stem for path in RECIPES.glob("*.yaml")} == {case.recipe for case in CASES}
