"""A step of preference training, beside TRL's DPOTrainer: one model, one set of ragged pairs.

Both take as many pairs a step with the same optimizer, in float32 on a CPU and in bfloat16 on a
GPU, and both have the reference's log-probabilities before they begin. The losses are TRL's: on the
same batch they have to give what its trainer gives, and the same gradient.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator, Mapping
from itertools import count, pairwise
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from kitchen.runtime.events import Event, IterationStopped
from tools.bench import sft
from tools.bench.figure import Figure, pairs
from tools.bench.peers import scratch
from tools.bench.training_run import through_kitchen

PAIRS, BATCH, LENGTH, RATE, BETA = 80, 8, 256, 1e-4, 0.1
SKIPPED = 3  #: steps at the start that are not timed: caches fill, memory is claimed
LOSSES = ("sigmoid", "ipo", "hinge")
TOLERANCE = 1e-4  #: of a loss and of its gradient's norm: both models compute in float32

RECIPE = f"""\
kitchen: 1
recipe: bench
workflow: preference
params:
  model: ./model
  dataset: pairs.jsonl
  max_length: {LENGTH}
  holdout: 0
  batch_size: {BATCH}
  learning_rate: {RATE}
  beta: {BETA}
  checkpoint_every: 0
adapters:
  training: torch
  datasets: files
  metrics: parquet
"""


def prepare(folder: Path) -> None:
    """The model of the supervised bench, and pairs of answers to its conversations."""
    sft.prepare(folder)
    lines = (folder / "chats.jsonl").read_text(encoding="utf-8").splitlines()
    talks = [json.loads(line)["messages"] for line in lines]
    talks = [talk for talk in talks if talk[-1]["role"] == "assistant"][:PAIRS]
    draw = random.Random(1)
    with (folder / "pairs.jsonl").open("w", encoding="utf-8") as file:
        for talk in talks:
            other = draw.choice(talks)[-1]["content"] + " And so on."
            row = {
                "prompt": talk[:-1],
                "chosen": talk[-1:],
                "rejected": [{"role": "assistant", "content": other}],
            }
            file.write(json.dumps(row) + "\n")


class Steps:
    """Notes when each step of a run ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, IterationStopped) and event.op.name == "pair_batch":
            self.ends.append(perf_counter())


def milliseconds(ends: list[float]) -> float:
    """The median step."""
    return 1e3 * median(after - before for before, after in pairwise(ends[SKIPPED - 1 :]))


def kitchen_step(folder: Path, name: str) -> float:
    watch = Steps()
    through_kitchen(RECIPE, folder, name, watch)
    return milliseconds(watch.ends)


def trainer_of(folder: Path, name: str, **options: Any) -> Any:
    os.environ["TQDM_DISABLE"] = "1"
    import torch
    from datasets import Dataset, disable_progress_bars
    from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback
    from trl import DPOConfig, DPOTrainer

    disable_progress_bars()
    on_gpu = torch.cuda.is_available()
    lines = (folder / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
    trainer = DPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(folder / "model"),
        processing_class=AutoTokenizer.from_pretrained(folder / "model"),
        train_dataset=Dataset.from_list([json.loads(line) for line in lines]),
        args=DPOConfig(
            output_dir=str(folder / name),
            per_device_train_batch_size=BATCH,
            num_train_epochs=1,
            max_length=LENGTH,
            learning_rate=RATE,
            beta=BETA,
            adam_beta1=0.9,
            adam_beta2=0.95,
            max_grad_norm=1.0,
            precompute_ref_log_probs=True,
            gradient_checkpointing=False,
            save_strategy="no",
            use_cpu=not on_gpu,
            bf16=on_gpu,
            disable_tqdm=True,
            **options,
        ),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def trl_step(folder: Path, name: str) -> float:
    from transformers import TrainerCallback

    ends: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc,unused-ignore]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.append(perf_counter())

    trainer = trainer_of(folder, name)
    trainer.add_callback(Clock())
    trainer.train()
    return milliseconds(ends)


# ----------------------------------------------------------------------------------- the same loss


def require_the_same_losses(folder: Path) -> None:
    """On one batch of TRL's own, with a reference that differs from the model."""
    for loss in LOSSES:
        trainer = trainer_of(folder, f"loss-{loss}", loss_type=loss)
        inputs = next(iter(trainer.get_train_dataloader()))
        draw = np.random.default_rng(0)
        for name in ("ref_chosen_logps", "ref_rejected_logps"):
            noise = draw.normal(0, 3, len(inputs[name]))
            inputs[name] = inputs[name] + inputs[name].new_tensor(noise)
        theirs = _by_trl(trainer, inputs)
        ours = _by_kitchen(folder, inputs, loss)
        if not np.allclose(ours, theirs, rtol=TOLERANCE, atol=0):
            raise AssertionError(f"loss and gradient norm of `{loss}`: {ours}, TRL's: {theirs}")


def _by_trl(trainer: Any, inputs: Mapping[str, Any]) -> tuple[float, float]:
    import torch

    trainer.model.train()
    loss = trainer.compute_loss(trainer.model, dict(inputs))
    loss.backward()
    gradients = [p.grad for p in trainer.model.parameters() if p.grad is not None]
    return float(loss.detach()), float(torch.nn.utils.get_total_norm(gradients))


def _by_kitchen(folder: Path, inputs: Mapping[str, Any], loss: str) -> tuple[float, float]:
    from kitchen.runtime import plugins
    from kitchen.runtime.pairs import PairBatch, ReferenceScores
    from kitchen.runtime.ports import AdamParams, ModelOptions, Workspace
    from kitchen.runtime.stages.preference import (
        PreferenceForwardBackwardConfig,
        preference_forward_backward,
    )

    workspace = Workspace(base=folder, cache=folder / "cache")
    training = plugins.adapters()["training"]["torch"].bind({}, workspace)
    tokenizer = training.load_tokenizer("./model", lambda: iter(()))
    session = training.open_session(ModelOptions(model="./model"), tokenizer)
    batch = _interleaved(inputs)
    names = ("ref_chosen_logps", "ref_rejected_logps")
    reference = np.stack([inputs[name].double().cpu().numpy() for name in names], axis=1)
    count = len(reference)
    pair_batch = PairBatch(0, "bench", batch, np.arange(count), count)
    config = PreferenceForwardBackwardConfig(loss=loss, beta=BETA)  # type: ignore[arg-type]
    scores = ReferenceScores("bench", "", reference)
    given = preference_forward_backward(
        session, pair_batch, scores, config=config, training=training
    ).result()
    norm = training.optim_step(session, AdamParams(learning_rate=0)).result().grad_norm
    return given.loss, norm


def _interleaved(inputs: Mapping[str, Any]) -> Any:
    """TRL's padded rows, chosen ones first, as a batch: chosen, rejected, chosen, ..."""
    from kitchen.runtime.values import Batch

    names = ("input_ids", "attention_mask", "completion_mask")
    ids, kept, trained = (inputs[name].cpu().numpy() for name in names)
    half = len(ids) // 2
    order = np.arange(2 * half).reshape(2, half).T.ravel()
    rows = [(ids[row][kept[row] > 0], trained[row][kept[row] > 0]) for row in order]
    weights = np.concatenate([mask[1:] for _, mask in rows]).astype(np.float32)
    return Batch(
        index=0,
        tokens=np.concatenate([row[:-1] for row, _ in rows]).astype(np.int32),
        offsets=np.append(0, np.cumsum([len(row) - 1 for row, _ in rows])),
        columns={
            "targets": np.concatenate([row[1:] for row, _ in rows]).astype(np.int32),
            "weights": weights,
        },
        sequences=2 * half,
        trained=int(weights.sum()),
    )


def measure() -> Iterator[Figure]:
    with scratch() as folder:
        prepare(folder)
        require_the_same_losses(folder)
        names = (f"run-{number}" for number in count())
        ours, theirs, ratio = pairs(
            lambda: kitchen_step(folder, next(names)),
            lambda: trl_step(folder, next(names)),
            count=3,
        )
        yield Figure(
            name=f"DPO step, {BATCH} pairs",
            peer="TRL",
            ours=ours,
            theirs=theirs,
            ratio=ratio,
            unit="ms",
            bound=0.7,
            note=f"{', '.join(LOSSES)}: losses and gradients are TRL's",
        )
