"""The reward model learns which answers people prefer, and judges pairs it never saw."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kitchen.runtime.events import StageStopped
from tests.recipes.preferences import write_preferences
from tests.recipes.running import Ran, run_file
from tests.runtime.kill import Life, Runs, outcome

KILLED, DONE = -9, 0


def write_recipe(folder: Path) -> Path:
    path = write_preferences(folder)
    text = path.read_text().replace("workflow: preference", "workflow: reward_model")
    path.write_text(text.replace("  sampling: torch\n", ""))
    return path


def run(folder: Path, *, name: str = "run", **overrides: object) -> Ran:
    return run_file(write_recipe(folder), folder / name, **overrides)


def values(ran: Ran, name: str) -> list[float]:
    return [value for _, value in ran.metrics[name]]


def test_pairs_it_never_saw_are_judged_rightly(tmp_path: Path) -> None:
    ran = run(tmp_path)
    assert ran.status == "done"
    assert values(ran, "eval/accuracy")[-1] == 1 > values(ran, "eval/accuracy")[0]
    assert values(ran, "eval/margin")[-1] > 1 > values(ran, "eval/margin")[0]
    assert values(ran, "eval/loss")[-1] < 0.3 < values(ran, "eval/loss")[0]
    assert values(ran, "eval/accuracy") == values(ran, "eval/rewards/accuracies")
    assert values(ran, "train/loss")[-1] < values(ran, "train/loss")[0]
    assert (ran.folder / "weights/model.safetensors").is_file()


def test_the_last_evaluation_is_made_once(tmp_path: Path) -> None:
    for every, wanted in ((0, 2), (1, 3), (2, 2)):
        ran = run(tmp_path, name=str(every), epochs=2, eval_every=every)
        steps = [step for step, _ in ran.metrics["eval/loss"]]
        assert len(steps) == len(set(steps)) == wanted


def test_micro_batches_give_the_same_losses(tmp_path: Path) -> None:
    whole = run(tmp_path, name="whole", epochs=1)
    parts = run(tmp_path, name="parts", epochs=1, micro_batch_size=1)
    assert values(parts, "train/loss") == pytest.approx(values(whole, "train/loss"), rel=1e-4)
    assert values(parts, "train/margin") == pytest.approx(values(whole, "train/margin"), abs=1e-4)


def test_an_adapter_is_trained_too(tmp_path: Path) -> None:
    ran = run(tmp_path, lora_rank=8, learning_rate=1e-2, epochs=6)
    assert values(ran, "eval/margin")[-1] > values(ran, "eval/margin")[0]


def test_it_runs_without_a_model(tmp_path: Path) -> None:
    ran = run(tmp_path, adapters__training="noop", epochs=1)
    stages = [event.op.stage for event in ran.events if isinstance(event, StageStopped)]
    assert ran.status == "done"
    assert stages.count("evaluate_rewards") == 2
    # A unigram model gives the verdict the same odds whatever stands before it.
    assert set(values(ran, "eval/margin")) == {0.0}


def test_without_a_holdout_nothing_is_evaluated(tmp_path: Path) -> None:
    ran = run(tmp_path, holdout=0, epochs=1)
    assert "eval/loss" not in ran.metrics


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with Runs(tmp_path_factory.mktemp("runs")) as runs:
        yield runs


@pytest.mark.slow
def test_a_killed_run_ends_the_same(runs: Runs, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    settings = ["checkpoint_every=2", "eval_every=1"]
    whole = Life(runs, recipe, tmp_path / "whole", settings)
    assert whole.go() == DONE, runs.output
    mortal = Life(runs, recipe, tmp_path / "mortal", settings)
    points = (
        "after reward_forward_backward 2",
        "before log_preferences 4",
        "after evaluate_rewards 2",
        "before save_weights 1",
    )
    for point in points:
        assert mortal.go(point) == KILLED, (point, runs.output)
    assert mortal.go() == DONE, runs.output
    assert outcome(mortal.path) == outcome(whole.path)
