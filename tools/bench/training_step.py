"""A training step through kitchen beside the same step in a hand-written PyTorch loop.

Both train the same weights on the same padded batches with the same optimizer, turn by turn, and
their losses have to be the same to the last bit.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from kitchen.runtime.adapters.torch import TRAINING
from kitchen.runtime.ports import AdamParams, LossOptions, ModelOptions, Workspace
from kitchen.runtime.values import Batch
from tools.bench.figure import Figure, pairs, seconds

SEQUENCES, LENGTH, BATCHES = 16, 96, 6
ADAM = AdamParams(learning_rate=1e-3, eps=1e-8, weight_decay=0.01, grad_clip_norm=1.0)


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        yield step_figure(Path(name))


def step_figure(folder: Path, *, model: str = "tiny", count: int = 30) -> Figure:
    """Seconds of a step on either side; raises where the losses differ in any bit."""
    training = TRAINING.bind({}, Workspace(folder, folder / "cache"))
    tokenizer = training.load_tokenizer(model, _texts)
    session = training.open_session(ModelOptions(model=model), tokenizer)
    training.save_weights(session, folder / "weights", merge=True)
    batches = _batches(tokenizer.vocab_size)
    by_kitchen: list[float] = []
    by_hand: list[float] = []
    steps = hand_written_steps(folder / "weights", batches)
    mine = cycle(batches)

    def ours() -> None:
        output = training.forward_backward(session, next(mine), LossOptions())
        training.optim_step(session, ADAM).result()
        by_kitchen.append(output.result().loss)

    def theirs() -> None:
        by_hand.append(next(steps))

    pairs(seconds(ours), seconds(theirs), count=4)  # the first steps allocate
    kitchen, hand, ratio = pairs(seconds(ours), seconds(theirs), count=count)
    if by_kitchen != by_hand:
        raise AssertionError(f"losses differ: {by_kitchen} and by hand {by_hand}")
    return Figure(
        name=f"training step, {SEQUENCES} x {LENGTH} tokens",
        peer="a PyTorch loop",
        ours=kitchen,
        theirs=hand,
        ratio=ratio,
        unit="s",
        bound=1.03,
        note=f"{len(by_hand)} losses identical to the last bit",
    )


def hand_written_steps(weights: Path, batches: list[Batch]) -> Iterator[float]:
    """The loop that a PyTorch user writes: each item is the loss of one more step."""
    import torch
    from torch.nn.functional import cross_entropy
    from transformers import AutoModelForCausalLM

    padded = [_padded(batch) for batch in batches]
    model: Any = AutoModelForCausalLM.from_pretrained(weights, attn_implementation="sdpa").train()
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=ADAM.learning_rate,
        betas=(ADAM.beta1, ADAM.beta2),
        eps=ADAM.eps,
        weight_decay=ADAM.weight_decay,
        fused=True,
    )
    for ids, targets, weight in cycle(padded):
        logits = model(input_ids=ids, use_cache=False).logits
        losses = cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        loss = (weight.flatten() * losses).sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), ADAM.grad_clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        yield loss.item()


def _padded(batch: Batch) -> tuple[Any, Any, Any]:
    """Token ids, targets and weights as (N, L) tensors, padded on the right with zeros."""
    import torch

    rows = [slice(*batch.offsets[i : i + 2].tolist()) for i in range(batch.sequences)]
    return tuple(  # type: ignore[return-value]
        torch.nn.utils.rnn.pad_sequence(
            [torch.from_numpy(column[row].astype(dtype)) for row in rows], batch_first=True
        )
        for column, dtype in (
            (batch.tokens, np.int64),
            (batch.columns["targets"], np.int64),
            (batch.columns["weights"], np.float32),
        )
    )


def _batches(vocabulary: int) -> list[Batch]:
    """Batches of random tokens whose sequences differ a little in length, as bucketed ones do."""
    generator = np.random.default_rng(0)
    made = []
    for index in range(BATCHES):
        lengths = generator.integers(LENGTH - 3, LENGTH + 1, SEQUENCES)
        total = int(lengths.sum())
        tokens = generator.integers(4, vocabulary, (2, total)).astype(np.int32)
        weights = np.full(total, 1 / total, np.float32)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        columns = {"targets": tokens[1], "weights": weights}
        made.append(Batch(index, tokens[0], offsets, columns, SEQUENCES, total))
    return made


def _texts() -> Iterator[str]:
    """Text of made-up words, for the preset's tokenizer."""
    generator = random.Random(0)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(generator.choices(letters, k=generator.randint(2, 9))) for _ in range(2000)]
    for _ in range(400):
        yield " ".join(generator.choices(words, k=50))
