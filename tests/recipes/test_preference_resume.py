"""A preference run that is killed ends as one that never was, with the reference it began with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture import ROOT
from tests.recipes.preferences import RECIPE, write_preferences
from tests.runtime.kill import Life, Runs, outcome

pytestmark = pytest.mark.slow

KILLED, DONE, STOPPED = -9, 0, 75

#: Three steps of warm-up, then five an epoch until the eighth; a checkpoint every two.
PARAMS = """  warmup_epochs: 1
  warmup_batch_size: 6
  max_steps: 8
  lora_rank: 2
  lora_dropout: 0.1
  checkpoint_every: 2
  eval_every: 1
  keep_best: true
  compare_answers: true
  answer_tokens: 2
  sample_prompts: ["What is this dog?"]
  sample_tokens: 4
adapters:
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("runs")
    write_preferences(folder)
    recipe = RECIPE.replace("adapters:\n", PARAMS)
    (folder / "torch.yaml").write_text(recipe)
    noop = recipe.replace("training: torch", "training: noop")
    (folder / "noop.yaml").write_text(noop.replace("sampling: torch", "sampling: noop"))
    with Runs(folder) as runs:
        yield runs


@pytest.fixture(scope="module", params=["noop", "torch"])
def adapter(request: pytest.FixtureRequest) -> str:
    return str(request.param)


_whole: dict[tuple[Path, str], dict[str, object]] = {}


def whole(runs: Runs, adapter: str) -> dict[str, object]:
    """What a run makes that nothing disturbs, in a process and with a cache of its own."""
    key = (runs.folder, adapter)
    if key not in _whole:
        path = runs.folder / f"whole-{adapter}"
        command = [sys.executable, "-m", "kitchen", "run", str(runs.folder / f"{adapter}.yaml")]
        cache = {"KITCHEN_CACHE": str(runs.folder / "cache-of-its-own"), "OMP_NUM_THREADS": "1"}
        environment = {**os.environ, **cache, "PYTHONHASHSEED": "7"}
        subprocess.run(
            [*command, "--run-dir", str(path), "--quiet"], check=True, cwd=ROOT, env=environment
        )
        _whole[key] = outcome(path)
        metrics = _whole[key]["metrics"]
        assert isinstance(metrics, list)
        assert {step for step, name, _ in metrics if name == "train/margin"} == set(range(4, 12))
    return _whole[key]


def differences(one: dict[str, object], other: dict[str, object]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


DEATHS = {
    "in the warm-up": ["after forward_backward 2"],
    "before the optimizer is new": ["before load_state 1"],
    "before the reference is scored": ["before score_reference 1"],
    "after the reference was scored": ["after score_reference 2"],
    "between gradient and step": ["after preference_forward_backward 4"],
    "at the end of an epoch": ["after log_preferences 5"],
    "in an evaluation": ["before log_preference_evaluation 2"],
    "at the last step": ["before log_preferences 8"],
    "asked to stop, and killed": [
        "after preference_forward_backward 3 SIGTERM",
        "before preference_batches 2",
        "after optim_step 2",
    ],
    "asked to stop where an epoch ends": ["before log_preferences 5 SIGTERM"],
}


@pytest.mark.parametrize("when", DEATHS)
def test_a_killed_run_ends_the_same(runs: Runs, adapter: str, when: str, tmp_path: Path) -> None:
    life = Life(runs, runs.folder / f"{adapter}.yaml", tmp_path / "run")
    for point in DEATHS[when]:
        assert life.go(point) == (STOPPED if "SIG" in point else KILLED), (point, runs.output)
    assert life.go() == DONE, runs.output
    assert not differences(outcome(life.path), whole(runs, adapter))


def test_a_reference_that_is_scored_again_is_seen(runs: Runs, adapter: str, tmp_path: Path) -> None:
    """Another run that goes on takes the weights it has by then for its reference."""
    fault = "the reference is scored again"
    life = Life(runs, runs.folder / f"{adapter}.yaml", tmp_path / "run")
    assert life.go("after preference_forward_backward 6", fault=fault) == KILLED
    assert life.go(fault=fault) == DONE, runs.output
    changed = differences(outcome(life.path), whole(runs, adapter))
    assert "metrics" in changed
    assert any(name.startswith("weights/") for name in changed)
