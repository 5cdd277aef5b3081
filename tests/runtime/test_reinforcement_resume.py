"""A reinforcement run that is killed anywhere ends as one that never was, byte for byte."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture import ROOT
from tests.runtime.kill import Life, Runs, outcome

pytestmark = pytest.mark.slow

KILLED, DONE, STOPPED = -9, 0, 75

REINFORCEMENT = """kitchen: 1
recipe: resume
workflow: reinforcement
params:
  model: nano
  problems: 6
  group_size: 24
  iterations: 4
  epochs: 2
  minibatches: 2
  max_tokens: 1
  learning_rate: 0.02
  kl: 0.1
  kl_as: penalty
  eval_problems: 4
  eval_every: 2
  checkpoint_every: 3
adapters:
  training: ADAPTER
  sampling: ADAPTER
  environment: {use: addition, digits: 1, format_penalty: 0.3}
  metrics: parquet
"""
WARM_START = """kitchen: 1
recipe: resume
workflow: warm_start
params:
  model: nano
  demonstrations: 48
  warm_up_epochs: 2
  warm_up_batch_size: 8
  warm_up_learning_rate: 0.01
  iterations: 3
  problems: 4
  group_size: 24
  minibatches: 2
  max_tokens: 1
  eval_problems: 4
  checkpoint_every: 4
adapters:
  training: torch
  sampling: torch
  datasets: files
  environment: {use: addition, digits: 1}
  metrics: parquet
"""
RECIPES = {
    "noop": REINFORCEMENT.replace("ADAPTER", "noop"),
    "torch": REINFORCEMENT.replace("ADAPTER", "torch"),
    "warm_start": WARM_START,
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("runs")
    for name, text in RECIPES.items():
        (folder / f"{name}.yaml").write_text(text)
    with Runs(folder) as runs:
        yield runs


_whole: dict[tuple[Path, str], dict[str, object]] = {}


def whole(runs: Runs, recipe: str) -> dict[str, object]:
    """What a run makes that nothing disturbs, in a process of its own, with other hashes."""
    key = (runs.folder, recipe)
    if key not in _whole:
        path = runs.folder / f"whole-{recipe}"
        command = [sys.executable, "-m", "kitchen", "run", str(runs.folder / f"{recipe}.yaml")]
        environment = {**os.environ, **runs.environment, "PYTHONHASHSEED": "7"}
        subprocess.run(
            [*command, "--run-dir", str(path), "--quiet"], check=True, cwd=ROOT, env=environment
        )
        _whole[key] = outcome(path)
        metrics = _whole[key]["metrics"]
        assert isinstance(metrics, list)
        assert sum(name == "clip_ratio/region_mean" for _, name, _ in metrics) >= 6
        assert "weights/MANIFEST.json" in _whole[key]
    return _whole[key]


#: Where a run dies, one process after another.
DEATHS = {
    "mid-rollout": ["before rollout 3"],
    "after a rollout": ["after rollout 4"],
    "mid-epoch": ["after policy_forward_backward 6"],
    "between the loss and its penalty": ["before penalise_distance 7"],
    "between epochs": ["before rollout_batches 4"],
    "in a checkpoint": ["commit 2 5"],
    "in an evaluation": ["before log_outcome 2"],
    "at the last step": ["before save_weights 1"],
    "many times": [
        "after optim_step 2",
        "before rollout 3 SIGTERM",
        "after policy_forward_backward 4",
        "before score_trajectories 1",
        "commit 1 4",
    ],
}


@pytest.mark.parametrize("when", DEATHS)
@pytest.mark.parametrize("recipe", ["noop", "torch"])
def test_a_killed_run_ends_the_same(runs: Runs, recipe: str, when: str, tmp_path: Path) -> None:
    life = Life(runs, runs.folder / f"{recipe}.yaml", tmp_path / "run")
    for point in DEATHS[when]:
        assert life.go(point) == (STOPPED if "SIG" in point else KILLED), (point, runs.output)
    assert life.go() == DONE, runs.output
    assert outcome(life.path) == whole(runs, recipe)


@pytest.mark.parametrize(
    "points",
    [
        ["after forward_backward 7"],
        ["before save_weights 1"],
        ["after save_weights 1"],
        ["before rollout 3"],
        ["after optim_step 14"],
    ],
    ids=["in the warm-up", "before its weights", "between the two", "in a rollout", "in a step"],
)
def test_two_phases_end_the_same(runs: Runs, points: list[str], tmp_path: Path) -> None:
    life = Life(runs, runs.folder / "warm_start.yaml", tmp_path / "run")
    for point in points:
        assert life.go(point) == KILLED, (point, runs.output)
    assert life.go() == DONE, runs.output
    assert outcome(life.path) == whole(runs, "warm_start")
