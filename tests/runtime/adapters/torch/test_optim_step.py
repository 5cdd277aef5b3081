"""AdamW and clipping against arithmetic written out, and gradients that are no numbers."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from kitchen.runtime.adapters.torch.tokenizer import FastTokenizer
from kitchen.runtime.adapters.torch.training import TorchTraining
from kitchen.runtime.ports import AdamParams, AdapterError, LossOptions, LossSlopes
from kitchen.runtime.values import Batch
from tests.contracts.training_batches import random_batch
from tests.runtime.adapters.torch.conftest import Open


@pytest.mark.parametrize("clip", [0.0, 0.05])
def test_steps_are_adamw(
    training: TorchTraining, tokenizer: FastTokenizer, opened: Open, clip: float
) -> None:
    """Loshchilov and Hutter 2019, algorithm 2, in float64, with settings that change each step."""
    session = opened()
    first, second = {}, {}
    for step, rate in enumerate((0.01, 0.003, 0.02), start=1):
        training.forward_backward(session, random_batch(tokenizer, seed=step), LossOptions())
        before = {n: p.detach().double().numpy().copy() for n, p in session.parameters.items()}
        grads = {n: p.grad.double().numpy().copy() for n, p in session.parameters.items()}
        adam = AdamParams(
            learning_rate=rate,
            beta1=0.8,
            beta2=0.9,
            eps=1e-6,
            weight_decay=0.1,
            grad_clip_norm=clip,
        )
        update = training.optim_step(session, adam).result()
        norm = np.sqrt(sum((gradient**2).sum() for gradient in grads.values()))
        assert update.grad_norm == pytest.approx(norm, rel=1e-5)
        scale = min(1.0, clip / norm) if clip else 1.0
        for name, parameter in session.parameters.items():
            gradient = grads[name] * scale
            first[name] = 0.8 * first.get(name, 0) + 0.2 * gradient
            second[name] = 0.9 * second.get(name, 0) + 0.1 * gradient**2
            mean, square = first[name] / (1 - 0.8**step), second[name] / (1 - 0.9**step)
            after = before[name] * (1 - rate * 0.1) - rate * mean / (np.sqrt(square) + 1e-6)
            np.testing.assert_allclose(parameter.detach().numpy(), after, atol=2e-5)
        assert all(parameter.grad is None for parameter in session.parameters.values())


def test_a_gradient_that_is_no_number_changes_nothing(
    training: TorchTraining, tokenizer: FastTokenizer, opened: Open
) -> None:
    session, batch = opened(), random_batch(tokenizer)

    def cusp(given: Batch, logprobs: np.ndarray) -> LossSlopes:
        """The square root has no slope at 0."""
        return LossSlopes(0.0, np.full_like(logprobs, np.nan))

    assert training.forward_backward_custom(session, batch, cusp).result().loss == 0
    before = [parameter.detach().clone() for parameter in session.parameters.values()]
    with pytest.raises(AdapterError, match="gradient of step 1 is nan") as raised:
        training.optim_step(session, AdamParams(grad_clip_norm=1.0)).result()
    assert raised.value.help
    assert session.step == 0
    after = session.parameters.values()
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_openmp_is_told_to_wait_quietly_before_torch_loads() -> None:
    script = (
        "import os, sys, kitchen.runtime.adapters.torch;"
        "print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    )
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["PASSIVE", "False"]
