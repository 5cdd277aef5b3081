"""What tasks measure, each in a process of its own, is what one process measures, in its order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kitchen.api import run
from kitchen.runtime.arrow import read_metrics
from tests.targets.cases import CASES, Case, environment, kept

MEASURED = [case for case in CASES if "metrics: parquet" in case.path.read_text()]


def measured(folder: Path) -> list[tuple[int, str, float]]:
    """The measurements of a run in order, but for when they were taken."""
    files = sorted((folder / "metrics").rglob("*.parquet"))
    rows = [metric for file in files for metric in read_metrics(file)]
    return [(metric.step, metric.name, metric.value) for metric in rows]


@pytest.mark.slow
@pytest.mark.parametrize("case", MEASURED, ids=lambda case: case.id)
def test_tasks_measure_what_a_run_measures(case: Case, pantry: None, tmp_path: Path) -> None:
    one, many = tmp_path / "one", tmp_path / "many"
    run(case.path, run_dir=one, overrides=case.settings)
    words = ["kitchen", "run", str(case.path), "--tasks", "--run-dir", str(many), *case.words]
    done = subprocess.run(
        [sys.executable, "-m", *words],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert kept(many, case.keeps) == kept(one, case.keeps) != {}
    assert measured(many) == measured(one)
    assert measured(one) or case.settings


def test_something_is_measured() -> None:
    assert {case.recipe for case in MEASURED} == {"map", "fixed_loop"}
