"""A training run of kitchen, step by step, beside the same run in a loop written by hand.

Everything is on in kitchen: the interpreter, batches made ahead, metrics, the journal. The loop by
hand is given its batches ready made. Documents are of one length, so that it needs no layout.
"""

from __future__ import annotations

import json
import pydoc_data.topics
from collections.abc import Iterator, Sequence
from itertools import count, pairwise
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

from kitchen.compiler.compile import compile_recipe
from kitchen.ir.source import Source
from kitchen.runtime import plugins
from kitchen.runtime.events import Event, IterationStopped, Listener, MetricsLogged
from kitchen.runtime.ports import ModelOptions, Workspace
from kitchen.runtime.run_directory import RunDirectory
from kitchen.runtime.runner import Runner
from tools.bench.figure import Figure, pairs
from tools.bench.peers import scratch

STEPS, BATCH, LENGTH, RATE = 30, 16, 128, 1e-3
SKIPPED = 5  #: steps at the start that are not timed: caches fill, memory is claimed

RECIPE = f"""\
kitchen: 1
recipe: bench
workflow: supervised
params:
  model: tiny
  dataset: rows.jsonl
  format: text
  train_on: all
  max_length: {LENGTH}
  holdout: 0
  batch_size: {BATCH}
  packing: bucket
  learning_rate: {RATE}
  schedule: constant
  checkpoint_every: 0
adapters:
  training: torch
  datasets: files
  metrics: parquet
"""


class Trained(NamedTuple):
    """What a run gave: seconds a step, and the loss of each step."""

    seconds: float
    losses: list[float]


class Watch:
    """Notes when each step of a run ended, and its loss."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.losses: list[float] = []

    def __call__(self, event: Event) -> None:
        match event:
            case MetricsLogged(values={"train/loss": loss}):
                self.losses.append(loss)
            case IterationStopped(op=op) if op.name == "batch":
                self.ends.append(perf_counter())


def step_time(ends: Sequence[float]) -> float:
    """Median seconds a step, the first ones left out."""
    return median(after - before for before, after in pairwise(ends[SKIPPED - 1 :]))


def through_kitchen(recipe: str, folder: Path, name: str, listener: Listener) -> None:
    """A run as `kitchen run` makes it, in a folder of its own."""
    program = compile_recipe(Source("bench.yaml", recipe), plugins.installed()).program
    runner = Runner(
        program=program,
        directory=RunDirectory.create(folder / name, {}),
        workspace=Workspace(base=folder, cache=folder / "cache", run=folder / name),
        listeners=(listener,),
    )
    assert runner.run() == "done"


def write_rows(folder: Path) -> None:
    """Python's own reference manual, in rows that are all longer than `LENGTH` tokens."""
    text = "\n".join(str(topic) for topic in pydoc_data.topics.topics.values())
    starts = range(0, len(text) - 4_000, (len(text) - 4_000) // (STEPS * BATCH - 1))
    rows = [text[start : start + 4_000] for start in starts[: STEPS * BATCH]]
    lines = "".join(json.dumps({"text": row}) + "\n" for row in rows)
    (folder / "rows.jsonl").write_text(lines, encoding="utf-8")


class ByHand:
    """The loop that a PyTorch user writes, on the batches that kitchen makes."""

    def __init__(self, folder: Path) -> None:
        import torch

        from kitchen.runtime.batching import BatchOptions, BatchStream
        from kitchen.runtime.tokens import RenderOptions, texts, tokenize_dataset

        workspace = Workspace(base=folder, cache=folder / "cache")
        store = plugins.adapters()["datasets"]["files"].bind({}, workspace)
        training = plugins.adapters()["training"]["torch"].bind({}, workspace)
        dataset = store.open("rows.jsonl")
        tokenizer = training.load_tokenizer("tiny", lambda: texts(store.rows(dataset), "text"))
        tokens = tokenize_dataset(dataset, tokenizer, RenderOptions("text", "all", LENGTH), store)
        session = training.open_session(ModelOptions(model="tiny"), tokenizer)
        training.save_weights(session, folder / "weights", merge=True)
        self.weights = folder / "weights"
        self.batches: list[Any] = []
        for batch in BatchStream(
            tokens, BatchOptions(batch_size=BATCH, packing="bucket")
        ).iterate():
            grid = (batch.sequences, -1)
            self.batches.append(
                (
                    torch.from_numpy(batch.tokens).long().reshape(grid),
                    torch.from_numpy(batch.columns["targets"]).long().reshape(grid),
                    torch.from_numpy(batch.columns["weights"]).reshape(grid),
                )
            )

    def run(self) -> Trained:
        """One epoch."""
        import torch
        from torch.nn.functional import cross_entropy
        from transformers import AutoModelForCausalLM

        model: Any = AutoModelForCausalLM.from_pretrained(self.weights).train()
        optimizer = torch.optim.AdamW(
            model.parameters(), lr=RATE, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.0, fused=True
        )
        ends, losses = [], []
        for ids, targets, weights in self.batches:
            logits = model(input_ids=ids, use_cache=False).logits.flatten(0, 1)
            each = cross_entropy(logits, targets.flatten(), reduction="none")
            loss = (weights.flatten() * each).sum()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(loss.item() / float(weights.sum(dtype=torch.float64)))
            ends.append(perf_counter())
        return Trained(step_time(ends), losses)


def measure() -> Iterator[Figure]:
    with scratch() as folder:
        write_rows(folder)
        by_hand = ByHand(folder)
        names = (f"run-{number}" for number in count())
        losses: dict[str, list[float]] = {}

        def ours() -> float:
            watch = Watch()
            through_kitchen(RECIPE, folder, next(names), watch)
            losses["kitchen"] = watch.losses
            return step_time(watch.ends) * 1e3

        def theirs() -> float:
            done = by_hand.run()
            losses["by hand"] = done.losses
            return done.seconds * 1e3

        own, other, ratio = pairs(ours, theirs, count=5)
        if losses["kitchen"] != losses["by hand"]:
            raise AssertionError(f"the losses differ: {losses}")
        yield Figure(
            name=f"a run's step, {BATCH} x {LENGTH - 1} tokens",
            peer="a PyTorch loop by hand",
            ours=own,
            theirs=other,
            ratio=ratio,
            unit="ms",
            bound=1.03,
            note=f"{len(losses['kitchen'])} losses identical to the last bit",
        )
