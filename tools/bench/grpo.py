"""Seconds of an iteration of GRPO, beside TRL's GRPOTrainer: one model, as many answers and steps.

Both sample the same number of answers of the same number of tokens to the same problems and take
one optimizer step on them, without a reference, in float32 on a CPU, in one thread. The reward is
the number of digits in an answer, which random weights already differ in: every group is learned
from. Iterations alternate, and the ratio is the median of theirs.

TRL's default throws activations away and computes them again in the backward pass, which saves
memory that a model of this size does not need; so it is measured without that as well.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from kitchen.runtime import plugins
from kitchen.runtime.adapters.problems.addition import Sum
from kitchen.runtime.events import Event, IterationStopped, MetricsLogged
from kitchen.runtime.ports import ModelOptions, Problem, Step, Workspace
from tools.bench.figure import Figure
from tools.bench.grpo_trl import Peer
from tools.bench.peers import scratch
from tools.bench.threads import one_thread
from tools.bench.training_run import through_kitchen

PROBLEMS, GROUP, NEW, ITERATIONS, WARM = 8, 8, 32, 14, 3
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


class Turns:
    """Times the iterations of a run; after each of them every peer has its own."""

    def __init__(self, peers: dict[str, Peer]) -> None:
        self.peers = peers
        self.seconds: list[float] = []
        self.lengths: list[float] = []
        self.steps = 0

    def __call__(self, event: Event) -> None:
        match event:
            case MetricsLogged(values=values):
                self.steps += "train/grad_norm" in values
                self.lengths += [values[n] for n in values if n == "completions/mean_length"]
            case IterationStopped(op=op) if op.name == "iteration":
                self.seconds.append(event.seconds)
                for peer in self.peers.values():
                    peer.iterate()


def digits(text: str) -> float:
    return float(sum(letter.isdigit() for letter in text))


def measure() -> Iterator[Figure]:
    with scratch() as folder, one_thread():
        yield from iteration_figures(folder)


def iteration_figures(folder: Path) -> Iterator[Figure]:
    """Iterations of all of them in turn, the first ones left out."""
    workspace = Workspace(base=folder, cache=folder / "cache")
    training = plugins.adapters()["training"]["torch"].bind({"device": "cpu"}, workspace)
    tokenizer = training.load_tokenizer("tiny", lambda: ["12+34=46"] * 9)
    session = training.open_session(ModelOptions(model="tiny"), tokenizer)
    training.save_weights(session, folder / "model", merge=True)
    environment = plugins.adapters()["environment"]["addition"].bind({}, workspace)
    prompts = [
        environment.begin(Problem(0, "train", index)).prompt
        for index in range(PROBLEMS * ITERATIONS)
    ]
    settings = {
        "output_dir": str(folder / "trl"),
        "num_generations": GROUP,
        "per_device_train_batch_size": PROBLEMS * GROUP,
        "max_completion_length": NEW,
        "max_steps": ITERATIONS,
    }
    peers = {
        "TRL": Peer(folder / "model", prompts, digits, **settings),
        "TRL that keeps activations": Peer(
            folder / "model", prompts, digits, gradient_checkpointing=False, **settings
        ),
    }
    turns = Turns(peers)
    with patch.object(Sum, "step", lambda self, action: Step(digits(action), True)):
        through_kitchen(RECIPE, folder, "grpo", turns)
    for peer in peers.values():
        peer.finish()
    if turns.steps != ITERATIONS:
        raise AssertionError(f"{turns.steps} steps in {ITERATIONS} iterations")
    for name, peer in peers.items():
        yield figure(name, turns, peer)


def figure(name: str, turns: Turns, peer: Peer) -> Figure:
    ours, theirs = turns.seconds[WARM:], peer.seconds[WARM:]
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    length, other = (statistics.mean(lengths[WARM:]) for lengths in (turns.lengths, peer.lengths))
    return Figure(
        name=f"GRPO iteration, {PROBLEMS} x {GROUP} x {NEW}",
        peer=name,
        ours=statistics.median(ours),
        theirs=statistics.median(theirs),
        ratio=statistics.median(ratios),
        unit="s",
        bound=0.5 if name == "TRL" else None,
        note=f"{len(ratios)} pairs from {ratios[0]:.2f} to {ratios[-1]:.2f};"
        f" answers of {length:.1f} and {other:.1f} tokens",
    )
