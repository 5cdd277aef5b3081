"""A distillation that is killed ends as one that never was, whatever its teachers were doing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture import ROOT
from tests.recipes.test_distillation import STUDENT, TEACHER, write
from tests.runtime.kill import Life, Runs, outcome

pytestmark = pytest.mark.slow

KILLED, DONE, STOPPED = -9, 0, 75

#: Six steps an epoch off-policy, seven on-policy; a checkpoint every two.
PARAMS = """  checkpoint_every: 2
  epochs: 2
  iterations: 7
  lora_rank: 2
  temperature: 2.0
  teacher_weights: [1.0]
"""
METHODS = ("off_policy", "on_policy")


def kitchen(runs: Runs, recipe: Path, path: Path, *sets: str) -> None:
    """Run `kitchen` in a process and with a cache of its own."""
    command = [sys.executable, "-m", "kitchen", "run", str(recipe), "--run-dir", str(path)]
    cache = {"KITCHEN_CACHE": str(runs.folder / "cache-of-its-own"), "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [*command, "--quiet", *sets],
        check=True,
        cwd=ROOT,
        env={**os.environ, **cache, "PYTHONHASHSEED": "7"},
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("runs")
    with Runs(folder) as runs:
        kitchen(runs, write(folder, "supervised", TEACHER), folder / "teacher")
        write(folder, "distillation", STUDENT + PARAMS)
        yield runs


_whole: dict[tuple[Path, str], dict[str, object]] = {}


def whole(runs: Runs, method: str) -> dict[str, object]:
    """What a run makes that nothing disturbs."""
    key = (runs.folder, method)
    if key not in _whole:
        path = runs.folder / f"whole-{method}"
        kitchen(runs, runs.folder / "distillation.yaml", path, "--set", f"method={method}")
        _whole[key] = outcome(path)
        metrics = _whole[key]["metrics"]
        assert isinstance(metrics, list)
        steps = [step for step, name, _ in metrics if name == "train/teacher_kl"]
        assert len(steps) == (12 if method == "off_policy" else 7)
    return _whole[key]


def differences(one: dict[str, object], other: dict[str, object]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


DEATHS = {
    ("off_policy", "while the teacher is read"): ["before soft_targets 2"],
    ("off_policy", "once the teacher is gone"): ["after close_teachers 1"],
    ("off_policy", "between gradient and step"): ["after distill 5"],
    ("off_policy", "at the end of an epoch"): ["after log_distance 7"],
    ("off_policy", "many times"): [
        "after optim_step 3 SIGTERM",
        "before distill 2",
        "commit 2 3",
        "before log_evaluation 1",
    ],
    ("on_policy", "while the student speaks"): ["after sample_batch 4"],
    ("on_policy", "while the teacher listens"): ["before teacher_advantages 6"],
    ("on_policy", "between gradient and step"): ["after policy_forward_backward 5"],
    ("on_policy", "many times"): [
        "after optim_step 2 SIGTERM",
        "after sample_batch 2",
        "after teacher_advantages 3",
        "before save_weights 1",
    ],
}


@pytest.mark.parametrize(("method", "when"), DEATHS)
def test_a_killed_run_ends_the_same(runs: Runs, method: str, when: str, tmp_path: Path) -> None:
    recipe = runs.folder / "distillation.yaml"
    life = Life(runs, recipe, tmp_path / "run", [f"method={method}"])
    for point in DEATHS[method, when]:
        assert life.go(point) == (STOPPED if "SIG" in point else KILLED), (point, runs.output)
    assert life.go() == DONE, runs.output
    assert not differences(outcome(life.path), whole(runs, method))


@pytest.mark.parametrize("method", METHODS)
def test_no_checkpoint_holds_the_weights_of_a_teacher(
    runs: Runs, method: str, tmp_path: Path
) -> None:
    life = Life(runs, runs.folder / "distillation.yaml", tmp_path / "run", [f"method={method}"])
    assert life.go("after optim_step 6") == KILLED
    newest = max(path for path in (life.path / "checkpoints").glob("0*"))
    states = [path.name for path in newest.iterdir() if path.is_dir()]
    assert [name for name in states if name.startswith("open_session")]
    assert not [name for name in states if name.startswith("open_teachers")]
