"""Seconds of an iteration of GRPO, beside TRL's GRPOTrainer: one model, as many answers and steps.

Both sample the same number of answers of the same number of tokens to as many prompts and take one
optimizer step on them, without a reference, in float32 on a CPU. The reward is the
number of digits in an answer, which random weights already differ in: every group is learned from.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

from kitchen.runtime import plugins
from kitchen.runtime.adapters.problems.addition import Sum
from kitchen.runtime.events import Event, IterationStopped, MetricsLogged
from kitchen.runtime.ports import ModelOptions, Step, Workspace
from tools.bench.figure import Figure
from tools.bench.peers import scratch
from tools.bench.training_run import through_kitchen

PROBLEMS, GROUP, NEW, ITERATIONS, WARM = 8, 8, 32, 8, 2
RECIPE = f"""\
kitchen: 1
recipe: bench
workflow: reinforcement
params:
  model: ./model
  problems: {PROBLEMS}
  group_size: {GROUP}
  iterations: {ITERATIONS}
  max_tokens: {NEW}
  scale: group
  learning_rate: 1e-4
  eval_problems: 0
  checkpoint_every: 0
adapters:
  training: {{use: torch, device: cpu}}
  sampling: torch
  environment: addition
  metrics: parquet
"""


class Clock:
    """Times the iterations of a run, and counts its optimizer steps."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.steps = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, IterationStopped) and event.op.name == "iteration":
            self.seconds.append(event.seconds)
        self.steps += isinstance(event, MetricsLogged) and "train/grad_norm" in event.values


def digits(text: str) -> float:
    return float(sum(letter.isdigit() for letter in text))


def measure() -> Iterator[Figure]:
    with scratch() as folder:
        yield iteration_figure(folder)


def iteration_figure(folder: Path) -> Figure:
    """The median iteration of either side, the first ones left out."""
    workspace = Workspace(base=folder, cache=folder / "cache")
    training = plugins.adapters()["training"]["torch"].bind({"device": "cpu"}, workspace)
    tokenizer = training.load_tokenizer("tiny", lambda: ["12+34=46"] * 9)
    session = training.open_session(ModelOptions(model="tiny"), tokenizer)
    training.save_weights(session, folder / "model", merge=True)
    clock = Clock()
    with patch.object(Sum, "step", lambda self, action: Step(digits(action), True)):
        through_kitchen(RECIPE, folder, "grpo", clock)
    if clock.steps != ITERATIONS:
        raise AssertionError(f"{clock.steps} steps in {ITERATIONS} iterations")
    ours = statistics.median(clock.seconds[WARM:])
    theirs = statistics.median(trl_seconds(folder)[WARM:])
    return Figure(
        name=f"GRPO iteration, {PROBLEMS} x {GROUP} x {NEW}",
        peer="TRL",
        ours=ours,
        theirs=theirs,
        ratio=ours / theirs,
        unit="s",
        bound=0.5,
    )


def trl_seconds(folder: Path) -> list[float]:
    """Seconds of each iteration of GRPOTrainer."""
    from datasets import Dataset, disable_progress_bars
    from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    seconds: list[float] = []

    class Timer(TrainerCallback):  # type: ignore[misc,unused-ignore]
        start = 0.0

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self.start = perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            seconds.append(perf_counter() - self.start)

    disable_progress_bars()
    count = PROBLEMS * (ITERATIONS + 1)
    prompts = [[{"role": "user", "content": f"{10 + n}+{99 - n}="}] for n in range(count)]
    trainer = GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(folder / "model"),
        processing_class=AutoTokenizer.from_pretrained(folder / "model"),
        reward_funcs=lambda completions, **_: [
            digits(answer[0]["content"]) for answer in completions
        ],
        train_dataset=Dataset.from_list([{"prompt": prompt} for prompt in prompts]),
        args=GRPOConfig(
            output_dir=str(folder / "trl"),
            num_generations=GROUP,
            per_device_train_batch_size=PROBLEMS * GROUP,
            max_completion_length=NEW,
            max_steps=ITERATIONS,
            learning_rate=1e-4,
            beta=0.0,
            use_cpu=True,
            bf16=False,
            logging_steps=1000,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        ),
        callbacks=[Timer()],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return seconds
