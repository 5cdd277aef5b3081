"""The preference workflow does what its parameters say, with real models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kitchen.cli.application import main
from kitchen.compiler.compile import compile_recipe
from kitchen.ir.diagnostic import CompileError
from kitchen.ir.render import render_text
from kitchen.ir.source import Source
from kitchen.runtime.events import StageStopped
from kitchen.runtime.plugins import installed
from tests.recipes.preferences import write_preferences
from tests.recipes.running import Ran, run_file

COOKBOOK = {"dpo_loss", "accuracy", "margin", "chosen_reward", "rejected_reward"}
TRL = {
    "rewards/chosen",
    "rewards/rejected",
    "rewards/margins",
    "rewards/accuracies",
    "logps/chosen",
    "logps/rejected",
}


def run(folder: Path, *, name: str = "run", **overrides: object) -> Ran:
    return run_file(write_preferences(folder), folder / name, **overrides)


def stages(ran: Ran) -> list[str]:
    return [event.op.stage for event in ran.events if isinstance(event, StageStopped)]


def losses(ran: Ran) -> list[float]:
    return [value for _, value in ran.metrics["train/loss"]]


def ends(ran: Ran, name: str) -> tuple[float, float]:
    """A metric of the held-out pairs, before training and after."""
    values = [value for _, value in ran.metrics[f"eval/{name}"]]
    return values[0], values[-1]


@pytest.mark.parametrize(
    ("loss", "beta"), [("sigmoid", 0.1), ("ipo", 0.5), ("hinge", 0.1), ("orpo", 1), ("simpo", 2)]
)
def test_the_chosen_answers_come_to_be_preferred(tmp_path: Path, loss: str, beta: float) -> None:
    ran = run(tmp_path, loss=loss, beta=beta)
    assert ran.status == "done"
    before, after = ends(ran, "loss")
    assert after < before
    before, after = ends(ran, "margin")
    assert after > before
    assert ends(ran, "accuracy")[1] == 1
    compares = loss in ("sigmoid", "ipo", "hinge")
    assert stages(ran).count("score_reference") == (2 if compares else 0)
    if compares:
        assert ends(ran, "margin")[0] == 0


@pytest.mark.parametrize("where", ["train", "eval"])
def test_metrics_have_the_names_of_both_schemes(tmp_path: Path, where: str) -> None:
    metrics = run(tmp_path, epochs=1).metrics
    assert {f"{where}/{name}" for name in COOKBOOK | TRL | {"loss"}} <= metrics.keys()
    for one, other in (
        ("chosen_reward", "rewards/chosen"),
        ("rejected_reward", "rewards/rejected"),
        ("margin", "rewards/margins"),
        ("accuracy", "rewards/accuracies"),
        ("loss", "dpo_loss"),
    ):
        assert metrics[f"{where}/{one}"] == metrics[f"{where}/{other}"]
    for (_, margin), (_, chosen), (_, rejected) in zip(
        *(metrics[f"{where}/{name}"] for name in ("margin", "chosen_reward", "rejected_reward")),
        strict=True,
    ):
        assert margin == pytest.approx(chosen - rejected, abs=1e-9)


def test_micro_batches_give_the_same_run(tmp_path: Path) -> None:
    whole = run(tmp_path, name="whole", epochs=2)
    parts = run(tmp_path, name="parts", epochs=2, micro_batch_size=1)
    for name in ("loss", "margin", "logps/rejected"):
        one, other = (
            [value for _, value in ran.metrics[f"train/{name}"]] for ran in (whole, parts)
        )
        assert other == pytest.approx(one, rel=1e-2, abs=1e-3)


def test_a_warm_up_trains_on_the_chosen_answers_first(tmp_path: Path) -> None:
    ran = run(tmp_path, warmup_epochs=4, warmup_learning_rate=3e-3, warmup_batch_size=6)
    assert stages(ran).count("forward_backward") == 4 * 3
    trained = dict(ran.metrics["train/loss"])
    assert trained[12] < 0.7 * trained[1]
    assert ran.metrics["eval/margin"][0] == (12, 0), "the reference is what the warm-up ends with"
    assert sorted(trained) == list(range(1, 12 + 5 * 3 + 1))
    cold = run(tmp_path, name="cold")
    assert ends(ran, "logps/chosen")[0] > ends(cold, "logps/chosen")[0] + 5


def test_answers_are_compared(tmp_path: Path) -> None:
    ran = run(
        tmp_path,
        warmup_epochs=30,
        warmup_learning_rate=5e-3,
        warmup_batch_size=4,
        compare_answers="true",
        learning_rate=1e-4,
    )
    shares = [
        [value for _, value in ran.metrics[f"eval/answers/{a}"]] for a in ("chosen", "rejected")
    ]
    assert shares[0][-1] > 0.3
    assert shares[1] == [0, 0]


def test_max_steps_bounds_the_run_and_its_schedule(tmp_path: Path) -> None:
    ran = run(tmp_path, epochs=5, max_steps=7, minimum_ratio=0, warmup_epochs=1)
    rates = [value for step, value in ran.metrics["train/learning_rate"]][2:]
    assert len(rates) == 7
    assert rates[0] == pytest.approx(3e-3)
    assert rates[-1] == pytest.approx(3e-3 / 7)


def test_no_holdout_no_evaluation(tmp_path: Path) -> None:
    ran = run(tmp_path, holdout=0, epochs=1)
    assert "evaluate_preferences" not in stages(ran)
    assert stages(ran).count("tokenize_pairs") == stages(ran).count("score_reference") == 1


def test_evaluations_come_every_so_many_steps(tmp_path: Path) -> None:
    """Of the steps over pairs, each once: at 3 steps an epoch, 6 is both the 6th and an end."""
    ran = run(
        tmp_path, epochs=3, eval_every=2, eval_every_steps=3, warmup_epochs=1, warmup_batch_size=9
    )
    warm = 2
    pairs = len(losses(ran)) - warm
    wanted = {0, 2 * (pairs // 3), pairs, *range(3, pairs + 1, 3)}
    steps = [step - warm for step, _ in ran.metrics["eval/loss"]]
    assert steps == sorted(wanted)


def test_early_stopping_and_the_best_weights(tmp_path: Path) -> None:
    ran = run(
        tmp_path, epochs=30, eval_every=1, patience=2, keep_best="true", learning_rate=1, loss="ipo"
    )
    values = [value for _, value in ran.metrics["eval/loss"]]
    assert len(values) < 31
    assert values[-1] == min(values)


def test_the_last_weights_may_be_the_best(tmp_path: Path) -> None:
    better = run(tmp_path, name="better", keep_best="true")
    assert [value for _, value in better.metrics["eval/loss"]] == list(ends(better, "loss"))
    assert "load_state" not in stages(better)
    worse = run(tmp_path, name="worse", keep_best="true", learning_rate=10, loss="ipo")
    values = [value for _, value in worse.metrics["eval/loss"]]
    assert values[2] == values[0] < values[1]


def test_lora_trains_an_adapter_and_merges_it(tmp_path: Path) -> None:
    merged = run(tmp_path, lora_rank=4, learning_rate=1e-2)
    apart = run(tmp_path, name="apart", lora_rank=4, learning_rate=1e-2, merge="false")
    assert losses(merged) == losses(apart)
    assert (merged.folder / "weights" / "model.safetensors").is_file()
    assert (apart.folder / "weights" / "adapter_model.safetensors").is_file()
    assert ends(merged, "accuracy")[1] == 1


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second, other = (
        run(tmp_path, name=name, epochs=1, seed=seed)
        for name, seed in (("first", 0), ("second", 0), ("other", 1))
    )
    weights = [ran.folder / "weights" / "model.safetensors" for ran in (first, second, other)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert weights[0].read_bytes() != weights[2].read_bytes()
    assert first.metrics == second.metrics


def test_it_runs_end_to_end_without_pytorch(tmp_path: Path) -> None:
    ran = run(tmp_path, adapters__training="noop", adapters__sampling="noop", learning_rate=0.05)
    assert ends(ran, "loss")[1] < ends(ran, "loss")[0]
    assert ends(ran, "accuracy")[1] == 1


# ------------------------------------------------------------------------------------- compiling


@pytest.mark.parametrize("loss", ["simpo", "orpo"])
def test_a_reference_that_nothing_reads_is_removed_and_said(
    tmp_path: Path, loss: str, capsys: pytest.CaptureFixture[str], golden: Any
) -> None:
    assert main(["compile", str(write_preferences(tmp_path)), "--set", f"loss={loss}"]) == 0
    printed = capsys.readouterr().out
    live, removed = printed.split("\nremoved\n")
    assert "score_reference" not in live
    assert removed.split("`keep_best`")[0] == golden


def test_rows_without_pairs_are_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], golden: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_preferences(tmp_path)
    (tmp_path / "pairs.jsonl").write_text('{"prompt": "Why?", "completion": "Because."}\n' * 9)
    monkeypatch.chdir(tmp_path)
    assert main(["compile", "recipe.yaml", "--probe"]) == 2
    assert capsys.readouterr().err == golden
    assert main(["run", "recipe.yaml", "--run-dir", "run"]) == 2
    assert "the row is no pair" in capsys.readouterr().err


def test_a_probe_shows_both_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], golden: Any
) -> None:
    recipe = write_preferences(tmp_path)
    settings = ["--set", "adapters.training=noop", "--set", "max_length=128"]
    assert main(["compile", str(recipe), "--probe", *settings]) == 0
    printed = capsys.readouterr().out
    assert printed[printed.index("\ndata\n") :] == golden


def faults_of(folder: Path, old: str, new: str) -> str:
    """What compiling says of the workflow with one of its lines changed."""
    recipe = write_preferences(folder)
    template = Path(__file__).parents[2] / "recipes" / "workflows" / "preference.yaml"
    text = template.read_text()
    assert text.count(old) == 1
    (folder / "changed.yaml").write_text(text.replace(old, new))
    changed = recipe.read_text().replace("workflow: preference", "workflow: ./changed.yaml")
    recipe.write_text(changed)
    with pytest.raises(CompileError) as raised:
        compile_recipe(Source("recipe.yaml", changed), installed())
    return render_text(raised.value.diagnostics).replace(str(folder), "")


def test_plain_batches_are_no_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    told = faults_of(
        tmp_path,
        "          - stage: preference_forward_backward\n",
        "          - stage: preference_forward_backward\n            in: {pair_batch: pairs}\n",
    )
    assert told == golden


SCORED = '  - stage: score_reference\n    when: loss in ["sigmoid", "ipo", "hinge"]\n'


def test_a_loss_that_compares_with_what_nobody_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert faults_of(tmp_path, SCORED, SCORED + "    as: unread\n") == golden


@pytest.mark.parametrize("name", ["dpo", "dpo_smollm2"])
def test_shipped_recipes_compile_without_a_word(name: str) -> None:
    path = Path(__file__).parents[2] / "recipes" / f"{name}.yaml"
    assert compile_recipe(Source(str(path), path.read_text()), installed()).diagnostics == ()
