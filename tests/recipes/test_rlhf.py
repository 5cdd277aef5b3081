"""Learning from human feedback: three workflows, one after the other, through saved weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kitchen.compiler.compile import compile_recipe
from kitchen.ir.diagnostic import CompileError
from kitchen.ir.render import render_text
from kitchen.ir.source import Source
from kitchen.runtime.events import StageStopped
from kitchen.runtime.plugins import installed
from tests.architecture import ROOT
from tests.recipes.running import Ran, run_file
from tests.runtime.kill import Life, Runs, outcome

KILLED, DONE = -9, 0
SHORT = {"epochs": 1, "iterations": 2, "problems": 4, "group_size": 4, "eval_problems": 4}


def shipped(folder: Path) -> Path:
    """The shipped recipe, with its data where it finds them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data").symlink_to(ROOT / "recipes/data")
    text = (ROOT / "recipes/rlhf.yaml").read_text()
    (folder / "rlhf.yaml").write_text(text)
    return folder / "rlhf.yaml"


def stages(ran: Ran) -> list[str]:
    return [event.op.name for event in ran.events if isinstance(event, StageStopped)]


def values(ran: Ran, name: str) -> list[float]:
    return [value for _, value in ran.metrics[name]]


def test_rewards_lead_to_what_people_prefer(tmp_path: Path) -> None:
    """The policy was never shown which of two answers is the better one."""
    ran = run_file(shipped(tmp_path), tmp_path / "run")
    assert ran.status == "done"
    assert values(ran, "eval/reward_model/accuracy")[-1] == 1
    before, after = values(ran, "eval/accuracy")[-2:]  # of the policy
    assert after > before + 0.5
    rewards = values(ran, "eval/reward")
    assert rewards[-1] > rewards[0]


def test_each_phase_keeps_its_weights_and_counts_on(tmp_path: Path) -> None:
    ran = run_file(shipped(tmp_path), tmp_path / "run", **SHORT)
    folders = [ran.folder / name for name in ("supervised", "reward_model", "weights")]
    weights = {(folder / "model.safetensors").read_bytes() for folder in folders}
    assert len(weights) == 3
    tokenizers = {(folder / "tokenizer.json").read_bytes() for folder in folders}
    assert len(tokenizers) == 1
    phases = ("train/supervised/grad_norm", "train/reward_model/grad_norm", "train/grad_norm")
    steps = [[step for step, _ in ran.metrics[name]] for name in phases]
    assert all(steps)
    assert [step for phase in steps for step in phase] == list(range(1, sum(map(len, steps)) + 1))
    for one in ("train/supervised/loss", "train/reward_model/loss", "eval/supervised/loss"):
        assert one in ran.metrics
    assert "train/loss" not in ran.metrics, "losses of three phases are no one curve"


def test_it_runs_without_a_model(tmp_path: Path) -> None:
    noop = {"adapters__training": "noop", "adapters__sampling": "noop"}
    ran = run_file(shipped(tmp_path), tmp_path / "run", **SHORT, **noop)
    assert ran.status == "done"
    assert [name for name in stages(ran) if name.endswith("/save_weights")] == [
        "supervised/save_weights",
        "reward_model/save_weights",
        "reinforcement/save_weights",
    ]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with Runs(tmp_path_factory.mktemp("runs")) as runs:
        yield runs


def everything(run: Path) -> dict[str, object]:
    made = outcome(run)
    for name in ("supervised", "reward_model"):
        for path in sorted((run / name).rglob("*")):
            made[path.relative_to(run).as_posix()] = path.read_bytes()
    return made


@pytest.mark.slow
def test_a_run_killed_in_and_between_phases_ends_the_same(runs: Runs, tmp_path: Path) -> None:
    recipe = shipped(tmp_path)
    settings = [f"{name}={value}" for name, value in {**SHORT, "checkpoint_every": 4}.items()]
    whole = Life(runs, recipe, tmp_path / "whole", settings)
    assert whole.go() == DONE, runs.output
    mortal = Life(runs, recipe, tmp_path / "mortal", settings)
    points = (
        "after save_weights 1",  # supervised training is done
        "before ask_verdicts 1",
        "after reward_forward_backward 6",
        "before save_weights 1",  # of the reward model
        "before judge_trajectories 1",
        "after rollout 2",
        "before save_weights 1",  # of the policy
    )
    for point in points:
        assert mortal.go(point) == KILLED, (point, runs.output)
    assert mortal.go() == DONE, runs.output
    assert everything(mortal.path) == everything(whole.path)


# --------------------------------------------------------------------------- before anything runs

TEMPLATE = """kitchen: 1
workflow: judged
params:
  model: {{type: str}}
steps:
  - stage: problem_tokenizer
    with: {{model: "${{model}}"}}
  - stage: open_session
    with: {{model: "${{model}}"}}
  - stage: open_sampler
  - stage: rollout
    with: {{problems: 4, group_size: 4}}
  - stage: measure_outcome
{steps}
  - stage: log_rollouts
    with: {{step: 0}}
"""

RECIPE = """kitchen: 1
recipe: judged
workflow: ./judged.yaml
params:
  model: nano
adapters:
  environment: addition
  training: noop
  sampling: noop
  metrics: noop
"""

WRONG = {
    "a reward of the wrong type": """\
  - stage: group_advantages
    in: {trajectories: outcome}
""",
    "a judge that is weights": """\
  - stage: save_weights
  - stage: judge_trajectories
    in: {session: weights}
    as: trajectories
  - stage: group_advantages
""",
    "a verdict that is no text": """\
  - stage: judge_trajectories
    as: trajectories
    with: {verdict: "${outcome.reward}"}
  - stage: group_advantages
""",
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_before_anything_runs(
    case: str, tmp_path: Path, golden: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "judged.yaml").write_text(TEMPLATE.format(steps=WRONG[case]))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CompileError) as refusal:
        compile_recipe(Source("judged-recipe.yaml", RECIPE), installed())
    assert render_text(refusal.value.diagnostics) == golden
