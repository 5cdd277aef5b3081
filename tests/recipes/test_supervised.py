"""The supervised workflow does what its parameters say, with real models."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from kitchen.runtime.events import CheckpointCommitted, StageStopped
from tests.recipes.running import Ran, run


def stages(ran: Ran) -> list[str]:
    return [event.op.stage for event in ran.events if isinstance(event, StageStopped)]


def losses(ran: Ran) -> list[float]:
    return [value for _, value in ran.metrics["train/loss"]]


def test_training_lowers_the_loss_on_rows_it_never_saw(tmp_path: Path) -> None:
    ran = run(tmp_path, epochs=6)
    assert ran.status == "done"
    evaluations = ran.metrics["eval/loss"]
    assert evaluations[0][0] == 0
    assert evaluations[-1][1] < 0.8 * evaluations[0][1]
    steps = [step for step, _ in ran.metrics["train/loss"]]
    assert steps == list(range(1, len(steps) + 1))


def test_the_weights_load_in_transformers(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    ran = run(tmp_path, epochs=1)
    model = AutoModelForCausalLM.from_pretrained(ran.folder / "weights", use_safetensors=True)
    tokenizer = AutoTokenizer.from_pretrained(ran.folder / "weights")
    assert model.config.vocab_size >= len(tokenizer)
    assert tokenizer.decode(tokenizer("A dog has four legs.")["input_ids"]).endswith("four legs.")


def test_micro_batches_give_the_same_losses(tmp_path: Path) -> None:
    whole = run(tmp_path, name="whole", epochs=1, packing="none")
    parts = run(tmp_path, name="parts", epochs=1, packing="none", micro_batch_size=1)
    assert losses(parts) == pytest.approx(losses(whole), rel=1e-4)


def test_packed_rows_give_the_same_losses(tmp_path: Path) -> None:
    ran = run(tmp_path, epochs=1, packing="pack", max_length=128)
    assert all(math.isfinite(loss) for loss in losses(ran))
    assert ran.metrics["eval/loss"][-1][1] < ran.metrics["eval/loss"][0][1]


def test_evaluations_come_when_they_are_asked_for(tmp_path: Path) -> None:
    ran = run(tmp_path, epochs=2, eval_every_steps=2, eval_every=1)
    steps = [step for step, _ in ran.metrics["eval/loss"]]
    per_epoch = len(losses(ran)) // 2
    wanted = {0, per_epoch, 2 * per_epoch, *range(2, 2 * per_epoch + 1, 2)}
    assert steps == sorted(wanted), "each once, the last among them"


def test_no_holdout_no_evaluation(tmp_path: Path) -> None:
    ran = run(tmp_path, holdout=0, epochs=1)
    assert "evaluate" not in stages(ran)
    assert stages(ran).count("tokenize") == 1
    assert "eval/loss" not in ran.metrics


def test_early_stopping_stops_early(tmp_path: Path) -> None:
    ran = run(tmp_path, epochs=40, eval_every=1, patience=2, learning_rate=3e-2)
    values = [value for _, value in ran.metrics["eval/loss"]]
    best = values.index(min(values))
    assert len(values) == best + 1 + 2
    assert len(values) < 41


def test_the_loss_that_is_asked_for_is_enough(tmp_path: Path) -> None:
    ran = run(tmp_path, epochs=40, eval_every_steps=1, target_loss=5, learning_rate=1e-2)
    values = [value for _, value in ran.metrics["eval/loss"]]
    assert min(values[:-1]) > 5 >= values[-1]
    assert len(losses(ran)) == len(values) - 1 < 40, "stopped within an epoch, after its step"


def test_keeping_the_best_ends_with_the_best(tmp_path: Path) -> None:
    ran = run(
        tmp_path, epochs=12, eval_every=1, keep_best="true", learning_rate=5e-2, schedule="constant"
    )
    values = [value for _, value in ran.metrics["eval/loss"]]
    assert values[-1] == min(values)
    assert values[-2] > min(values), "the last epoch was the best: the test shows nothing"
    steps = [step for step, _ in ran.metrics["eval/loss"]]
    assert steps[-1] == steps[-2], "what is kept is measured again, as other weights came after it"


def test_the_last_weights_may_be_the_best(tmp_path: Path) -> None:
    """Where nothing is measured on the way, what training ends with is compared with its start."""
    better = run(tmp_path, name="better", epochs=2, keep_best="true", learning_rate=1e-2)
    values = [value for _, value in better.metrics["eval/loss"]]
    assert len(values) == 2
    assert values[1] < values[0]
    assert "load_state" not in stages(better)
    worse = run(tmp_path, name="worse", epochs=2, keep_best="true", learning_rate=10)
    values = [value for _, value in worse.metrics["eval/loss"]]
    assert values[2] == values[0] < values[1]
    assert stages(worse).count("load_state") == 1


def test_lora_trains_an_adapter_and_merges_it(tmp_path: Path) -> None:
    merged = run(tmp_path, name="merged", epochs=2, lora_rank=4, learning_rate=1e-2)
    apart = run(tmp_path, name="apart", epochs=2, lora_rank=4, learning_rate=1e-2, merge="false")
    assert losses(merged) == losses(apart)
    assert (merged.folder / "weights" / "model.safetensors").is_file()
    assert (apart.folder / "weights" / "adapter_model.safetensors").is_file()
    assert merged.metrics["eval/loss"][-1][1] < merged.metrics["eval/loss"][0][1]


def test_checkpoints_come_every_so_many_steps(tmp_path: Path) -> None:
    ran = run(tmp_path, epochs=2, checkpoint_every=3)
    committed = [event for event in ran.events if isinstance(event, CheckpointCommitted)]
    assert len(committed) == len(losses(ran)) // 3


def test_checkpoints_come_every_so_many_epochs(tmp_path: Path) -> None:
    ran = run(tmp_path, epochs=4, checkpoint_every=0, checkpoint_every_epochs=2)
    committed = [event for event in ran.events if isinstance(event, CheckpointCommitted)]
    assert len(committed) == 2


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = run(tmp_path, name="first"), run(tmp_path, name="second")
    other = run(tmp_path, name="other", seed=1)
    weights = [ran.folder / "weights" / "model.safetensors" for ran in (first, second, other)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert weights[0].read_bytes() != weights[2].read_bytes()
    assert first.metrics == second.metrics


def test_prompts_are_answered_before_and_after(tmp_path: Path) -> None:
    ran = run(tmp_path, epochs=12, sample_prompts="[Is water wet? (0)]", sample_tokens=12)
    before, after = ran.sample("before"), ran.sample("after")
    assert before[0]["prompt"] == after[0]["prompt"] == "Is water wet? (0)"
    assert before[0]["completion"] != after[0]["completion"]


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine", "polynomial", "exponential"])
def test_the_learning_rate_warms_up_and_follows_its_schedule(tmp_path: Path, schedule: str) -> None:
    ran = run(
        tmp_path,
        schedule=schedule,
        warmup_steps=3,
        adapters__training="noop",
        epochs=2,
        adapters__sampling="noop",
    )
    rates = [value for _, value in ran.metrics["train/learning_rate"]]
    peak = rates.index(max(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert max(rates) == pytest.approx(3e-3)
    assert (rates[-1] == rates[peak]) == (schedule == "constant")


def test_max_steps_bounds_the_run_and_its_schedule(tmp_path: Path) -> None:
    ran = run(tmp_path, epochs=5, max_steps=7, schedule="linear", minimum_ratio=0)
    rates = [value for _, value in ran.metrics["train/learning_rate"]]
    assert len(rates) == 7
    assert rates[0] == pytest.approx(3e-3)
    assert rates[-1] == pytest.approx(3e-3 / 7)
