"""What the tasks of a recipe do, each in a process of its own, is what one process does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kitchen.api import run
from kitchen.runtime.arrow import read_metrics
from kitchen.runtime.calls import StageError
from tests.targets.cases import CASES, Case, environment, kept


def measured(folder: Path) -> list[tuple[int, str, float]]:
    """The measurements of a run in order, but for when they were taken."""
    files = sorted((folder / "metrics").rglob("*.parquet"))
    rows = [metric for file in files for metric in read_metrics(file)]
    return [(metric.step, metric.name, metric.value) for metric in rows]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_tasks_do_what_a_run_does(case: Case, pantry: None, tmp_path: Path) -> None:
    one, many = tmp_path / "one", tmp_path / "many"
    try:
        run(case.path, run_dir=one, overrides=case.settings)
    except StageError:
        assert case.fails is not None
    words = ["kitchen", "run", str(case.path), "--tasks", "--run-dir", str(many), *case.words]
    done = subprocess.run(
        [sys.executable, "-m", *words],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (0 if case.fails is None else 3), done.stderr
    assert kept(many, case.keeps) == kept(one, case.keeps) != {}
    if (one / "metrics").exists():
        assert measured(many) == measured(one) != []
