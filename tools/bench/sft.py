"""Tokens a second of a supervised run, beside TRL's SFTTrainer: one model, one set of ragged chats.

Padding is not counted as tokens. Both train on every token of a conversation, in steps of as many
conversations (TRL's packing excepted), with the same optimizer, in float32 on a CPU and in bfloat16
on a GPU.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

from kitchen.runtime import plugins
from kitchen.runtime.events import Event, IterationStopped, LoopStarted, MetricsLogged
from kitchen.runtime.ports import ModelOptions, Workspace
from tools.bench.figure import Figure, pairs
from tools.bench.peers import scratch
from tools.bench.training_run import through_kitchen

CONVERSATIONS, BATCH, LENGTH, RATE = 240, 16, 512, 1e-3
SOURCE = "package:chatterbot_corpus/data/english/*.yml"
TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
RECIPE = f"""\
kitchen: 1
recipe: bench
workflow: supervised
params:
  model: ./model
  dataset: chats.jsonl
  train_on: all
  max_length: {LENGTH}
  holdout: 0
  batch_size: {BATCH}
  packing: bucket
  learning_rate: {RATE}
  checkpoint_every: 0
adapters:
  training: torch
  datasets: files
  metrics: parquet
"""

#: What TRL can be asked to do about padding, its default first.
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "TRL": {},
    "TRL, grouped by length": {"train_sampling_strategy": "group_by_length"},
    "TRL, packing": {"packing": True},
}


class Throughput:
    """Counts the trained tokens of a run, and times its steps."""

    def __init__(self) -> None:
        self.tokens, self.start, self.end = 0.0, 0.0, 0.0

    def __call__(self, event: Event) -> None:
        match event:
            case LoopStarted(op=op) if op.name == "batch":
                self.start = perf_counter()
            case IterationStopped(op=op) if op.name == "batch":
                self.end = perf_counter()
            case MetricsLogged(values={"train/tokens": tokens}):
                self.tokens += tokens

    @property
    def rate(self) -> float:
        return self.tokens / (self.end - self.start)


def prepare(folder: Path) -> None:
    """A small model with its tokenizer, and conversations of one to twenty exchanges."""
    workspace = Workspace(base=folder, cache=folder / "cache")
    store = plugins.adapters()["datasets"]["files"].bind({}, workspace)
    training = plugins.adapters()["training"]["torch"].bind({}, workspace)
    exchanges = [row.fields["messages"] for row in store.rows(store.open(SOURCE))]
    tokenizer = training.load_tokenizer("tiny", lambda: (json.dumps(e) for e in exchanges))
    session = training.open_session(ModelOptions(model="tiny"), tokenizer)
    training.save_weights(session, folder / "model", merge=True)
    settings = folder / "model" / "tokenizer_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"chat_template": TEMPLATE}))
    draw = random.Random(0)
    with (folder / "chats.jsonl").open("w", encoding="utf-8") as file:
        for _ in range(CONVERSATIONS):
            size = min(20, max(1, round(draw.lognormvariate(1.2, 0.9))))
            messages = [turn for exchange in draw.choices(exchanges, k=size) for turn in exchange]
            file.write(json.dumps({"messages": messages}) + "\n")


def kitchen_rate(folder: Path, name: str) -> float:
    watch = Throughput()
    through_kitchen(RECIPE, folder, name, watch)
    return watch.rate


def trl_rate(folder: Path, name: str, options: Mapping[str, Any]) -> float:
    import torch
    from datasets import Dataset, disable_progress_bars
    from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    class Clock(TrainerCallback):  # type: ignore[misc,unused-ignore]
        start = end = 0.0

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self.start = self.start or perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            self.end = perf_counter()

    disable_progress_bars()
    lines = (folder / "chats.jsonl").read_text(encoding="utf-8").splitlines()
    clock, on_gpu = Clock(), torch.cuda.is_available()
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(folder / "model"),
        processing_class=AutoTokenizer.from_pretrained(folder / "model"),
        train_dataset=Dataset.from_list([json.loads(line) for line in lines]),
        callbacks=[clock],
        args=SFTConfig(
            output_dir=str(folder / name),
            per_device_train_batch_size=BATCH,
            num_train_epochs=1,
            max_length=LENGTH,
            learning_rate=RATE,
            adam_beta1=0.9,
            adam_beta2=0.95,
            max_grad_norm=1.0,
            gradient_checkpointing=False,
            save_strategy="no",
            use_cpu=not on_gpu,
            bf16=on_gpu,
            disable_tqdm=True,
            **options,
        ),
    )
    trainer.remove_callback(PrinterCallback)
    tokens = sum(len(row) - 1 for row in trainer.train_dataset["input_ids"])
    trainer.train()
    return tokens / (clock.end - clock.start)


def measure() -> Iterator[Figure]:
    with scratch() as folder:
        prepare(folder)
        names = (f"run-{number}" for number in count())
        for peer, options in VARIANTS.items():
            ours, theirs, ratio = pairs(
                lambda: kitchen_rate(folder, next(names)),
                lambda options=options: trl_rate(folder, next(names), options),  # type: ignore[misc]
                count=3,
            )
            yield Figure(
                name="supervised training",
                peer=peer,
                ours=ours,
                theirs=theirs,
                ratio=ratio,
                unit="tokens/s",
                bound=2 if not options else None,
                at_least=True,
            )
