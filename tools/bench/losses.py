"""How far losses and their gradients by logits are from float64, beside TRL's on the same inputs.

Where both have the same definition, TRL's own function in float64 says what is right. Kitchen goes
all of its way, through stage and adapter in float32; TRL's function is given float32, too. A
difference is a share of the loss, or of the largest entry of its gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kitchen.runtime import plugins
from kitchen.runtime.pairs import PairBatch, ReferenceScores
from kitchen.runtime.policy_batches import Aggregation, PolicyBatches, PolicyBatchOptions
from kitchen.runtime.ports import Workspace
from kitchen.runtime.stages.preference import (
    PreferenceForwardBackwardConfig,
    preference_forward_backward,
)
from kitchen.runtime.stages.reinforcement import (
    PolicyForwardBackwardConfig,
    policy_forward_backward,
)
from kitchen.runtime.trajectories import Advantages, Trajectories
from tools.bench import trl_losses
from tools.bench.figure import Figure
from tools.bench.peers import scratch
from tools.bench.table import gradient_of, table_batch, table_session

BOUND = 1e-6
SEEDS = range(8)
PAIRS, LENGTH, MOST = 6, 12, 16
BETA, SMOOTHING, GAMMA = 0.3, 0.2, 0.7

Found = tuple[float, np.ndarray]  #: a loss, and its gradient by logits


@dataclass(frozen=True)
class Given:
    """Logits (V, V), and rows of as many places each: (rows, T) arrays beside them."""

    logits: np.ndarray
    trained: np.ndarray  #: whether a place's target counts
    sampled: np.ndarray  #: log-probabilities under whoever sampled, float32
    reference: np.ndarray  #: of a row's answer under a reference
    advantages: np.ndarray  #: of a row


def drawn(seed: int) -> Given:
    """Rows that are tokens in a row of their own, of ragged prompts and answers."""
    draw, rows = np.random.default_rng(seed), 2 * PAIRS
    size = rows * (LENGTH + 1)
    logits = draw.normal(0, 1, (size, size)).astype(np.float32)
    known = torch.tensor(logits, dtype=torch.float64).log_softmax(1).numpy()
    at = np.arange(size).reshape(rows, LENGTH + 1)[:, :-1]
    own = known[at, at + 1]
    first, last = draw.integers(0, 4, (rows, 1)), draw.integers(5, LENGTH + 1, (rows, 1))
    place = np.arange(LENGTH)
    trained = (first <= place) & (place < last)
    return Given(
        logits=logits,
        trained=trained,
        sampled=(own + draw.normal(0, 0.3, own.shape)).astype(np.float32),
        reference=(own * trained).sum(1) + draw.normal(0, 4, rows),
        advantages=draw.normal(0, 1, rows).astype(np.float32),
    )


# ---------------------------------------------------------------------------------------- kitchen


def by_pairs(given: Given, training: Any, **settings: Any) -> Found:
    """The loss of pairs, row 2i chosen and row 2i + 1 rejected."""
    session = table_session(given.logits)
    rows, full = len(given.trained), LENGTH + 1
    weights = np.zeros((rows, full), np.float32)
    weights[:, :-1] = given.trained
    targets = np.arange(1, rows * full + 1, dtype=np.int32) % (rows * full)
    batch = table_batch([full] * rows, {"targets": targets, "weights": weights.ravel()})
    losses = preference_forward_backward(
        session,
        PairBatch(0, "bench", batch, np.arange(PAIRS), PAIRS),
        ReferenceScores("bench", "", given.reference.reshape(PAIRS, 2)),
        config=PreferenceForwardBackwardConfig(**settings),
        training=training,
    ).result()
    return losses.loss, gradient_of(session)


def by_policy(given: Given, training: Any, aggregation: Aggregation, **settings: Any) -> Found:
    """The loss of episodes, from trajectories by way of minibatches."""
    session = table_session(given.logits)
    rows, full = len(given.trained), LENGTH + 1
    sampled, logprobs = np.zeros((rows, full), bool), np.zeros((rows, full), np.float32)
    sampled[:, 1:], logprobs[:, 1:] = given.trained, given.sampled * given.trained
    nothing = np.zeros(rows, np.int64)
    trajectories = Trajectories(
        tokens=np.arange(rows * full, dtype=np.int32),
        sampled=sampled.ravel(),
        logprobs=logprobs.ravel(),
        offsets=np.arange(rows + 1) * full,
        groups=nothing,
        rewards=np.zeros(rows),
        turns=nothing + 1,
        cut=nothing > 0,
        metrics={},
        episodes=rows,
        temperature=1.0,
    )
    values = np.repeat(given.advantages, full) * trajectories.sampled
    advantages = Advantages(values, nothing == 0, 1, all_good=0, all_bad=0, single=0, kl=0.0)
    options = PolicyBatchOptions(
        minibatches=1, aggregation=aggregation, max_tokens=MOST, seed=0, epoch=0
    )
    (batch,) = PolicyBatches(trajectories, advantages, None, options).iterate()
    losses = policy_forward_backward(
        session, batch, config=PolicyForwardBackwardConfig(**settings), training=training
    ).result()
    return losses.loss, gradient_of(session)


# -------------------------------------------------------------------------------------------- TRL


def by_trl(given: Given, loss_of: Callable[[Given, Tensor, Tensor], Tensor], kind: Any) -> Found:
    """A loss of log-probabilities (rows, T) and of what counts of them, in float32 or float64."""
    logits = torch.tensor(given.logits, dtype=kind, requires_grad=True)
    rows = len(given.trained)
    at = torch.arange(rows * (LENGTH + 1)).view(rows, -1)[:, :-1]
    logprobs = logits.log_softmax(1)[at, at + 1]
    loss = loss_of(given, logprobs, torch.tensor(given.trained, dtype=kind))
    loss.backward()
    assert logits.grad is not None
    return float(loss.detach()), logits.grad.double().numpy()


def paired(rows: Tensor) -> Tensor:
    """(rows, ...) as (2, pairs, ...): the chosen ones, and the rejected ones."""
    return rows.view(PAIRS, 2, *rows.shape[1:]).transpose(0, 1)


def dpo(loss: str) -> Callable[[Given, Tensor, Tensor], Tensor]:
    def of(given: Given, logprobs: Tensor, trained: Tensor) -> Tensor:
        reference = torch.tensor(given.reference).to(logprobs)
        return trl_losses.dpo(loss, BETA, paired(logprobs), paired(trained), paired(reference))

    return of


def smoothed(given: Given, logprobs: Tensor, trained: Tensor) -> Tensor:
    ratios = (logprobs * trained).sum(1) - torch.tensor(given.reference).to(logprobs)
    return trl_losses.cpo("sigmoid", BETA, SMOOTHING, 0.0, paired(ratios))


def simpo(given: Given, logprobs: Tensor, trained: Tensor) -> Tensor:
    means = (logprobs * trained).sum(1) / trained.sum(1)
    return trl_losses.cpo("simpo", BETA, SMOOTHING, GAMMA, paired(means))


def orpo(given: Given, logprobs: Tensor, trained: Tensor) -> Tensor:
    return trl_losses.orpo(BETA, paired((logprobs * trained).sum(1) / trained.sum(1)))


def grpo(loss: str, low: float, high: float) -> Callable[[Given, Tensor, Tensor], Tensor]:
    """By TRL's epsilons: below 1 and above it, but for `cispo`, whose upper one is absolute."""

    def of(given: Given, logprobs: Tensor, trained: Tensor) -> Tensor:
        old, worth = (torch.tensor(x).to(logprobs) for x in (given.sampled, given.advantages))
        return trl_losses.grpo(loss, (low, high), logprobs, trained, old, worth, MOST)

    return of


# ------------------------------------------------------------------------------------------- both

Ours = Callable[[Given, Any], Found]
Theirs = Callable[[Given, Tensor, Tensor], Tensor]


def pairs_case(theirs: Theirs, **settings: Any) -> tuple[Ours, Theirs]:
    return lambda given, training: by_pairs(given, training, beta=BETA, **settings), theirs


def policy_case(
    theirs: Theirs, aggregation: Aggregation, loss: str, **config: float
) -> tuple[Ours, Theirs]:
    def ours(given: Given, training: Any) -> Found:
        return by_policy(given, training, aggregation, loss=loss, loss_config=config)

    return ours, theirs


CLIPPED = {"clip_low_threshold": 0.8, "clip_high_threshold": 1.28}
CASES: dict[str, tuple[Ours, Theirs]] = {
    "sigmoid (DPO)": pairs_case(dpo("sigmoid")),
    "sigmoid, smoothed": pairs_case(smoothed, label_smoothing=SMOOTHING),
    "ipo": pairs_case(dpo("ipo"), loss="ipo"),
    "hinge": pairs_case(dpo("hinge"), loss="hinge"),
    "orpo": pairs_case(orpo, loss="orpo"),
    "simpo": pairs_case(simpo, loss="simpo", gamma=GAMMA, label_smoothing=SMOOTHING),
    "ppo, sequence mean": policy_case(grpo("grpo", 0.2, 0.28), "sequence_mean", "ppo", **CLIPPED),
    "ppo, token mean": policy_case(grpo("dapo", 0.2, 0.28), "token_mean", "ppo", **CLIPPED),
    "ppo, constant": policy_case(grpo("dr_grpo", 0.2, 0.28), "constant", "ppo", **CLIPPED),
    "importance sampling": policy_case(grpo("dapo", 1.0, 1e9), "token_mean", "importance_sampling"),
    "cispo": policy_case(grpo("cispo", 0.0, 1.2), "token_mean", "cispo", clip_high_threshold=1.2),
}


def apart(found: Found, right: Found) -> float:
    """The larger of the two differences, each as a share."""
    loss = abs(found[0] - right[0]) / max(abs(right[0]), 1.0)
    largest = np.abs(right[1]).max()
    return max(loss, float(np.abs(found[1] - right[1]).max() / largest))


def measure() -> Iterator[Figure]:
    with scratch() as folder:
        yield from figures(folder)


def figures(folder: Path) -> Iterator[Figure]:
    workspace = Workspace(base=folder, cache=folder / "cache")
    training = plugins.adapters()["training"]["torch"].bind({"device": "cpu"}, workspace)
    for name, (ours, theirs) in CASES.items():
        own, other = [], []
        for given in map(drawn, SEEDS):
            right = by_trl(given, theirs, torch.float64)
            own.append(apart(ours(given, training), right))
            other.append(apart(by_trl(given, theirs, torch.float32), right))
        yield Figure(
            name=name,
            peer="TRL",
            ours=max(own),
            theirs=max(other),
            ratio=max(own) / max(other),
            unit="off",
            bound=BOUND,
            bounds_ours=True,
            note="loss and gradient",
        )
