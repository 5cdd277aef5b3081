"""The reinforcement workflow learns, says what it does, and refuses what cannot be learned from."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitchen.compiler.compile import Compiled
from kitchen.ir.diagnostic import CompileError
from kitchen.ir.program import Stage
from kitchen.ir.render import render_text
from kitchen.ir.walk import walk
from kitchen.runtime.adapters.torch import TRAINING
from kitchen.runtime.calls import StageError
from kitchen.runtime.events import StageStopped
from kitchen.runtime.ports import ModelOptions, Workspace
from tests.architecture import ROOT
from tests.conftest import Golden
from tests.recipes.running import Ran, compile_file, run_file

RECIPE = """kitchen: 1
recipe: test
workflow: reinforcement
params:
  model: nano
  problems: 6
  group_size: 6
  iterations: 4
  max_tokens: 1
  learning_rate: 3e-1
  eval_problems: 4
adapters:
  training: noop
  sampling: noop
  environment: {use: addition, digits: 1, format_penalty: 0.5}
  metrics: parquet
"""
TORCH = {"adapters__training": "torch", "adapters__sampling": "torch", "learning_rate": 1e-3}


def compiled(folder: Path, text: str = RECIPE, **overrides: object) -> Compiled:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return compile_file(path, **overrides)


def run(folder: Path, *, name: str = "run", **overrides: object) -> Ran:
    path = folder / "recipe.yaml"
    path.write_text(RECIPE)
    return run_file(path, folder / name, **overrides)


def refused(folder: Path, text: str, **overrides: object) -> str:
    """What is said of a recipe that does not compile."""
    with pytest.raises(CompileError) as raised:
        compiled(folder, text, **overrides)
    return render_text(raised.value.diagnostics).replace(str(folder), "FOLDER")


def template(folder: Path, *changes: tuple[str, str]) -> str:
    """A recipe on a changed copy of the workflow."""
    text = (ROOT / "recipes/workflows/reinforcement.yaml").read_text()
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    (folder / "changed.yaml").write_text(text)
    return RECIPE.replace("workflow: reinforcement", "workflow: ./changed.yaml")


def stages(ran: Ran) -> list[str]:
    return [event.op.stage for event in ran.events if isinstance(event, StageStopped)]


def sessions(found: Compiled) -> int:
    """How many models a program loads."""
    ops = walk(found.program.body)
    return sum(isinstance(op, Stage) and op.stage == "open_session" for op in ops)


# ------------------------------------------------------------------------------------- it learns


def test_rewards_go_up(tmp_path: Path) -> None:
    """A model of single bytes cannot add, but it can learn to write digits."""
    ran = run(tmp_path, iterations=30)
    assert ran.status == "done"
    rewards = [value for _, value in ran.metrics["reward"]]
    formed = [value for _, value in ran.metrics["env/all/format"]]
    assert sum(rewards[-5:]) > sum(rewards[:5])
    assert sum(formed[-5:]) > sum(formed[:5]) + 1


@pytest.mark.parametrize("loss", ["importance_sampling", "ppo", "cispo", "dro"])
def test_every_loss_trains_a_real_model(tmp_path: Path, loss: str) -> None:
    ran = run(tmp_path, loss=loss, iterations=2, epochs=2, minibatches=2, **TORCH)
    assert ran.status == "done"
    assert (ran.folder / "weights" / "model.safetensors").is_file()
    assert len(ran.metrics["reward"]) == 2
    assert len(ran.metrics["eval/accuracy"]) == 2


def test_the_current_weights_sample_in_each_iteration(tmp_path: Path) -> None:
    """The first pass of an iteration finds the very model that sampled: no distance, no clipping.

    Later passes are off by what was learned in between.
    """
    for settings in ({}, TORCH):
        ran = run(tmp_path, name=f"run-{len(settings)}", epochs=2, iterations=3, **settings)
        distances = [value for _, value in ran.metrics["optim/kl_sample_train_v2"]]
        assert len(distances) == 6
        assert max(distances[0::2]) < 1e-8
        assert min(distances[1::2]) > 1e-8


def test_at_another_temperature_the_ratio_is_to_what_was_drawn_from(tmp_path: Path) -> None:
    settings = {"iterations": 1, "learning_rate": 0, "group_size": 40}
    hot = run(tmp_path, temperature=2.0, **settings)
    steady = run(tmp_path, name="steady", **settings)
    assert hot.metrics["optim/kl_sample_train_v2"][0][1] > 1e-6
    assert steady.metrics["optim/kl_sample_train_v2"][0][1] < 1e-12


def test_several_turns(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(
        RECIPE.replace(
            "{use: addition, digits: 1, format_penalty: 0.5}", "{use: guessing, highest: 3}"
        )
    )
    ran = run_file(tmp_path / "recipe.yaml", tmp_path / "run", **TORCH)
    assert ran.status == "done"
    assert max(value for _, value in ran.metrics["env/all/turns_per_episode"]) > 1


def test_what_people_follow_is_measured(tmp_path: Path) -> None:
    ran = run(tmp_path, kl=0.1)
    wanted = (
        "env/all/reward/total env/all/correct env/all/format env/all/ac_tokens_per_turn "
        "env/all/turns_per_episode env/all/by_group/frac_mixed env/all/by_group/frac_all_good "
        "env/all/by_group/frac_all_bad optim/kl_sample_train_v1 optim/kl_sample_train_v2 "
        "optim/entropy kl_policy_base reward reward_std frac_reward_zero_std entropy kl "
        "completions/mean_length completions/clipped_ratio clip_ratio/low_mean "
        "clip_ratio/high_mean clip_ratio/region_mean train/grad_norm train/learning_rate "
        "eval/accuracy eval/reward eval/format eval/length eval/turns"
    )
    assert set(wanted.split()) <= ran.metrics.keys()
    assert "train/loss" not in ran.metrics, "where every ratio is 1 it is 0, and says nothing"
    for name in ("frac_mixed", "frac_all_good", "frac_all_bad"):
        assert all(0 <= value <= 1 for _, value in ran.metrics[f"env/all/by_group/{name}"])


def test_nothing_to_learn_is_no_step(tmp_path: Path) -> None:
    """Every group alike: no gradient is made of it, and the iterations go on."""
    settings = "{use: addition, digits: 1, format_penalty: 0.5}"
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace(settings, "{use: addition, digits: 3}"))
    ran = run_file(tmp_path / "recipe.yaml", tmp_path / "run", iterations=3)
    assert ran.status == "done"
    assert [value for _, value in ran.metrics["frac_reward_zero_std"]] == [1, 1, 1]
    assert "optim_step" not in stages(ran)
    assert stages(ran).count("rollout") == 5


def test_a_penalty_holds_the_model_to_its_reference(tmp_path: Path) -> None:
    def distance(**settings: object) -> float:
        name = f"run-{len(list(tmp_path.iterdir()))}"
        ran = run(tmp_path, name=name, iterations=20, seed=2, **settings)
        return ran.metrics["kl"][-1][1]

    free = distance(kl=1e-9)
    assert free > 0.05
    assert distance(kl=3.0, kl_as="penalty") < 0.5 * free
    assert distance(kl=3.0, kl_as="reward") < 0.5 * free


def test_the_same_seed_gives_the_same_run(tmp_path: Path) -> None:
    runs = [run(tmp_path, name=str(seed), seed=seed // 2, **TORCH) for seed in (0, 1, 2)]
    weights = [(ran.folder / "weights" / "model.safetensors").read_bytes() for ran in runs]
    assert weights[0] == weights[1] != weights[2]
    assert runs[0].metrics == runs[1].metrics


def saved(folder: Path, name: str, text: str) -> str:
    """A model whose tokenizer was trained on that text, as a recipe names it."""
    training = TRAINING.bind({}, Workspace(folder, folder / "cache"))
    tokenizer = training.load_tokenizer("nano", lambda: [text] * 50)
    session = training.open_session(ModelOptions(model="nano"), tokenizer)
    training.save_weights(session, folder / name, merge=True)
    return f"./{name}"


@pytest.mark.parametrize("reader", ["reward_model", "reference"])
def test_who_reads_the_tokens_of_another_tokenizer_is_refused(tmp_path: Path, reader: str) -> None:
    """Ids that mean other words would be rewarded, or held to, without a sign of it."""
    policy = saved(tmp_path, "policy", "12+34=46, 5+5=10, 7+8=15")
    other = saved(tmp_path, "other", "of other things, in words that nobody else would use")
    settings = {**TORCH, "model": policy, "kl": 0.1, "iterations": 1}
    with pytest.raises(StageError, match="have different vocabularies") as raised:
        run(tmp_path, **{**settings, reader: other})
    assert raised.value.op.stage == "problem_tokenizer"
    assert "`./policy` and `./other`" in str(raised.value)
    assert run(tmp_path, name="same", **{**settings, reader: policy}).status == "done"


# ---------------------------------------------------------------------------- the compiler's part


def test_without_a_coefficient_the_reference_is_dead(tmp_path: Path, golden: Golden) -> None:
    """Nothing is loaded for a distance that weighs nothing, and the plan says why."""
    from kitchen.cli.plan_text import plan_text
    from kitchen.cli.terminal import Page
    from kitchen.compiler.plan import plan_of
    from kitchen.runtime.plugins import installed

    found = compiled(tmp_path)
    text = plan_text(plan_of(found.program, installed(), found.diagnostics), Page(columns=100))
    assert text.split("\nremoved\n")[1] == golden
    assert sessions(found) == 1
    assert sessions(compiled(tmp_path, kl=0.1)) == 2


def test_a_sampler_of_old_weights_is_refused(tmp_path: Path, golden: Golden) -> None:
    text = template(
        tmp_path,
        (
            "    steps:\n      - stage: open_sampler\n      - stage: rollout\n",
            "    steps:\n      - stage: rollout\n",
        ),
        ("  - loop: iteration\n", "  - stage: open_sampler\n  - loop: iteration\n"),
    )
    assert refused(tmp_path, text) == golden


def test_a_sampler_carried_past_an_update_is_refused(tmp_path: Path, golden: Golden) -> None:
    text = template(
        tmp_path,
        (
            "    steps:\n      - stage: open_sampler\n      - stage: rollout\n",
            "    steps:\n      - stage: rollout\n",
        ),
        ("  - loop: iteration\n", "  - stage: open_sampler\n  - loop: iteration\n"),
        (
            "              - stage: optim_step\n",
            "              - stage: open_sampler\n                when: iteration < 0\n"
            "              - stage: optim_step\n",
        ),
    )
    assert refused(tmp_path, text) == golden


def test_an_adapter_that_does_not_sample_is_refused(tmp_path: Path, golden: Golden) -> None:
    assert refused(tmp_path, RECIPE.replace("  sampling: noop\n", "")) == golden


def test_a_loss_without_log_probabilities_is_refused(tmp_path: Path, golden: Golden) -> None:
    """A policy's loss takes batches of what was sampled, and of nothing else."""
    text = supervised(
        tmp_path,
        "          - stage: forward_backward\n",
        "          - stage: policy_forward_backward\n",
    )
    assert refused(tmp_path, text) == golden


def test_a_plain_batch_takes_no_loss_of_what_was_sampled(tmp_path: Path, golden: Golden) -> None:
    before = '            with: {micro_batch_size: "${micro_batch_size}"}\n'
    text = supervised(tmp_path, before, before.replace("{", "{loss: ppo, ", 1))
    assert refused(tmp_path, text) == golden


def supervised(folder: Path, before: str, after: str) -> str:
    """A recipe on a changed copy of supervised training."""
    plain = (ROOT / "recipes/workflows/supervised.yaml").read_text()
    assert plain.count(before) == 1
    (folder / "changed.yaml").write_text(plain.replace(before, after))
    return """kitchen: 1
recipe: test
workflow: ./changed.yaml
params: {model: nano, dataset: ./chats.jsonl}
adapters: {training: noop, datasets: files, metrics: parquet}
"""


def test_a_reward_of_the_wrong_type_is_refused(tmp_path: Path, golden: Golden) -> None:
    text = template(
        tmp_path,
        (
            "      - stage: group_advantages\n",
            "      - stage: measure_outcome\n"
            "      - stage: group_advantages\n        in: {trajectories: outcome}\n",
        ),
    )
    assert refused(tmp_path, text) == golden


@pytest.mark.parametrize("setting", ["top_p: 0.9", "top_k: 20"], ids=["top_p", "top_k"])
def test_a_cut_distribution_is_refused(tmp_path: Path, golden: Golden, setting: str) -> None:
    """What is never drawn has no importance ratio: there is nothing to set."""
    text = template(tmp_path, ('          group_size: "${group_size}"\n', f"          {setting}\n"))
    assert refused(tmp_path, text) == golden
    assert "has no parameter" in refused(
        tmp_path, RECIPE.replace("params:\n", f"params:\n  {setting}\n")
    )


def test_no_held_out_problems_no_evaluation(tmp_path: Path) -> None:
    ran = run(tmp_path, eval_problems=0, iterations=1)
    assert ran.status == "done"
    assert "measure_outcome" not in stages(ran)
    assert "eval/accuracy" not in ran.metrics
