"""Losses over pairs against their formulae, written again in float64 for torch to differentiate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import logsigmoid

from kitchen.runtime.preference_losses import PreferenceOptions, metrics_of, preferences

LOSSES = ("sigmoid", "ipo", "hinge", "orpo", "simpo")


def cases(seed: int, pairs: int = 64) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-probabilities under the model and a reference, and token counts, (pairs, 2)."""
    generator = np.random.default_rng(seed)
    tokens = generator.integers(1, 60, (pairs, 2)).astype(float)
    logprobs = -tokens * generator.gamma(2.0, 0.8, (pairs, 2))
    return logprobs, logprobs + generator.normal(0, 4, (pairs, 2)), tokens


def written_again(
    name: str, options: PreferenceOptions
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The losses of pairs, as their papers have them."""
    beta, smoothing, gamma = options.beta, options.label_smoothing, options.gamma

    def sigmoid(logps: Tensor, reference: Tensor, tokens: Tensor) -> Tensor:
        pi_logratios = logps[:, 0] - logps[:, 1]
        ref_logratios = reference[:, 0] - reference[:, 1]
        logits = pi_logratios - ref_logratios
        return -logsigmoid(beta * logits) * (1 - smoothing) - logsigmoid(-beta * logits) * smoothing

    def ipo(logps: Tensor, reference: Tensor, tokens: Tensor) -> Tensor:
        ratios = (logps - reference) / tokens
        return (ratios[:, 0] - ratios[:, 1] - 1 / (2 * beta)) ** 2

    def hinge(logps: Tensor, reference: Tensor, tokens: Tensor) -> Tensor:
        ratios = logps - reference
        return torch.relu(1 - beta * (ratios[:, 0] - ratios[:, 1]))

    def simpo(logps: Tensor, reference: Tensor, tokens: Tensor) -> Tensor:
        means = logps / tokens
        logits = means[:, 0] - means[:, 1] - gamma / beta
        return -logsigmoid(beta * logits) * (1 - smoothing) - logsigmoid(-beta * logits) * smoothing

    def orpo(logps: Tensor, reference: Tensor, tokens: Tensor) -> Tensor:
        means = logps / tokens
        odds = means.exp() / (1 - means.exp())
        return -means[:, 0] - beta * logsigmoid(torch.log(odds[:, 0] / odds[:, 1]))

    return {"sigmoid": sigmoid, "ipo": ipo, "hinge": hinge, "simpo": simpo, "orpo": orpo}[name]


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("beta", [0.05, 0.1, 2.5])
@pytest.mark.parametrize(("smoothing", "nll"), [(0.0, 0.0), (0.2, 0.0), (0.2, 0.6)])
def test_values_and_slopes_are_those_of_the_formula(
    name: str, beta: float, smoothing: float, nll: float
) -> None:
    options = PreferenceOptions(
        loss=name, beta=beta, label_smoothing=smoothing, gamma=0.7, nll_weight=nll
    )
    logprobs, reference, tokens = cases(seed=3)
    given = torch.tensor(logprobs, requires_grad=True)
    wanted = written_again(name, options)(given, torch.tensor(reference), torch.tensor(tokens))
    wanted = wanted - nll * (given / torch.tensor(tokens))[:, 0]
    wanted.sum().backward()
    assert given.grad is not None
    found = preferences(logprobs, reference, tokens, options)
    np.testing.assert_allclose(found.losses, wanted.detach().numpy(), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.slopes, given.grad.numpy(), rtol=1e-6, atol=1e-9)


@settings(max_examples=200, deadline=None)
@given(
    name=st.sampled_from(LOSSES),
    chosen=st.floats(-1e6, 0),
    rejected=st.floats(-1e6, 0),
    beta=st.floats(1e-3, 10),
)
def test_no_log_probability_is_too_far_out(
    name: str, chosen: float, rejected: float, beta: float
) -> None:
    options = PreferenceOptions(loss=name, beta=beta)
    logprobs, nothing = np.array([[chosen, rejected]]), np.zeros((1, 2))
    found = preferences(logprobs, nothing, np.full((1, 2), 3.0), options)
    for array in (found.losses, found.slopes, found.rewards):
        assert np.isfinite(array).all()
    assert found.losses[0] >= 0


def test_an_answer_that_is_certain_has_finite_odds() -> None:
    found = preferences(
        np.array([[0.0, -1e-300], [-1e-300, 0.0], [0.0, -800.0]]),
        np.zeros((3, 2)),
        np.ones((3, 2)),
        PreferenceOptions(loss="orpo"),
    )
    assert np.isfinite(found.losses).all()
    assert np.isfinite(found.slopes).all()


def test_the_margin_has_beta_in_it_once() -> None:
    logprobs, reference = np.array([[-3.0, -9.0]]), np.array([[-5.0, -7.0]])
    options = PreferenceOptions(beta=0.25)
    found = preferences(logprobs, reference, np.full((1, 2), 4.0), options)
    metrics = metrics_of(found, logprobs, options)
    assert metrics["chosen_reward"] == metrics["rewards/chosen"] == 0.25 * 2
    assert metrics["rejected_reward"] == metrics["rewards/rejected"] == 0.25 * -2
    assert metrics["margin"] == metrics["rewards/margins"] == 0.25 * 4
    assert metrics["accuracy"] == metrics["rewards/accuracies"] == 1
    assert metrics["dpo_loss"] == pytest.approx(np.log1p(np.exp(-1.0)))
    assert (metrics["logps/chosen"], metrics["logps/rejected"]) == (-3, -9)


def test_equal_rewards_are_no_right_answer() -> None:
    options = PreferenceOptions()
    logprobs = np.array([[-3.0, -9.0]])
    found = preferences(logprobs, logprobs, np.full((1, 2), 4.0), options)
    assert metrics_of(found, logprobs, options)["accuracy"] == 0
    assert found.losses[0] == pytest.approx(np.log(2))


@pytest.mark.parametrize("name", ["orpo", "simpo"])
def test_no_reference_is_looked_at_where_none_is_compared_with(name: str) -> None:
    options = PreferenceOptions(loss=name)
    logprobs, reference, tokens = cases(seed=1)
    one, other = (
        preferences(logprobs, given, tokens, options)
        for given in (reference, np.full_like(reference, np.nan))
    )
    np.testing.assert_array_equal(one.losses, other.losses)
    np.testing.assert_array_equal(one.slopes, other.slopes)
    assert not options.compares
