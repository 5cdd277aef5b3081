"""The losses and their gradients against formulae written anew in float64 numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch

from kitchen.runtime.adapters.noop.unigram import loss_and_slopes
from kitchen.runtime.adapters.torch import LOSSES as DECLARED
from kitchen.runtime.adapters.torch.losses import FORMULAE
from kitchen.runtime.losses import LOSSES, loss_settings
from kitchen.runtime.ports import AdapterError, LossOptions

Columns = Mapping[str, np.ndarray]


def surrogate(name: str, l: np.ndarray, c: Columns, s: Mapping[str, float]) -> np.ndarray:  # noqa: E741
    """The loss of each token, spelled out case by case."""
    terms = np.zeros_like(l)
    for t in np.ndindex(l.shape):
        if name in ("cross_entropy", "tempered_cross_entropy"):
            terms[t] = -c["weights"][t] * l[t]
            continue
        q, a, w = c["logprobs"][t], c["advantages"][t], c["weights"][t]
        r = np.exp(l[t]) / np.exp(q)
        low, high = s.get("clip_low_threshold", 0), s.get("clip_high_threshold", 0)
        match name:
            case "importance_sampling":
                terms[t] = -w * r * a
            case "ppo":
                terms[t] = -w * min(r * a, max(low, min(r, high)) * a)
            case "cispo":
                terms[t] = -w * max(low, min(c["ratio"][t], high)) * a * l[t]
            case "dro":
                terms[t] = -w * (l[t] * a - s["beta"] / 2 * (l[t] - q) ** 2)
    return terms


def columns_for(name: str, shape: tuple[int, ...]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    generator = np.random.default_rng(len(name))
    logprobs = np.log(generator.uniform(0.05, 0.9, shape))
    columns = {
        "weights": generator.uniform(0, 2, shape) * (generator.random(shape) < 0.8),
        "logprobs": logprobs - generator.normal(0, 0.5, shape),
        "advantages": generator.normal(size=shape),
    }
    columns["ratio"] = np.exp(logprobs - columns["logprobs"])  # cispo: no gradient flows through
    return logprobs, columns


def slopes(value: Callable[[np.ndarray], float], at: np.ndarray) -> np.ndarray:
    """Central differences."""
    found, step = np.zeros_like(at), 1e-6
    for t in np.ndindex(at.shape):
        up, down = at.copy(), at.copy()
        up[t] += step
        down[t] -= step
        found[t] = (value(up) - value(down)) / (2 * step)
    return found


CASES = [(name, (40,)) for name in LOSSES] + [("cross_entropy", (20, 3))]


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_values_and_gradients(name: str, shape: tuple[int, ...]) -> None:
    logprobs, columns = columns_for(name, shape)
    settings = loss_settings(LossOptions(name=name))
    expected = surrogate(name, logprobs, columns, settings).sum()
    gradient = slopes(lambda l: float(surrogate(name, l, columns, settings).sum()), logprobs)  # noqa: E741

    given = torch.tensor(logprobs, requires_grad=True)
    tensors = {key: torch.tensor(column) for key, column in columns.items()}
    loss = FORMULAE[name](given, tensors, settings)
    loss.backward()
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    assert given.grad is not None
    np.testing.assert_allclose(given.grad.numpy(), gradient, atol=1e-6)

    value, found = loss_and_slopes(name, logprobs, columns, settings)
    assert value == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(found, gradient, atol=1e-6)


@pytest.mark.parametrize("name", ["ppo", "cispo"])
def test_thresholds_are_absolute(name: str) -> None:
    """A ratio of 2, clipped at 1.5 and at 3, with every other ratio inside both."""
    columns = {
        "weights": torch.ones(2),
        "advantages": torch.ones(2),
        "logprobs": torch.tensor([-1.0, -2.0]),
    }
    given = torch.tensor([-1.0, -2.0 + np.log(2)], requires_grad=True)
    losses = []
    for high in (1.5, 3.0):
        settings = {"clip_low_threshold": 0.5, "clip_high_threshold": high}
        losses.append(FORMULAE[name](given, columns, settings).item())
    expected = 0.5 if name == "ppo" else 0.5 * float(given[1].detach())
    assert losses[0] - losses[1] == pytest.approx(expected, rel=1e-5)


def test_the_declared_losses_are_those_there_are() -> None:
    assert set(DECLARED) == set(FORMULAE) == set(LOSSES)


def test_an_unknown_setting_is_told_with_the_known_ones() -> None:
    with pytest.raises(AdapterError) as raised:
        loss_settings(LossOptions(name="ppo", config={"epsilon": 0.2}))
    assert str(raised.value) == "loss `ppo` has no setting `epsilon`"
    assert raised.value.help == "its settings: `clip_low_threshold`, `clip_high_threshold`"


@pytest.mark.parametrize("high", [0.2, 0.99, float("nan")])
def test_a_threshold_that_is_meant_to_be_relative_is_refused(high: float) -> None:
    """0.2 as an absolute cap would make a constant of every ratio, and nobody would notice."""
    with pytest.raises(AdapterError, match="1 is not there") as raised:
        loss_settings(LossOptions(name="cispo", config={"clip_high_threshold": high}))
    assert raised.value.help is not None
    assert "`clip_high_threshold: 1.2`" in raised.value.help
    with pytest.raises(AdapterError, match="1 is not there"):
        loss_settings(LossOptions(name="ppo", config={"clip_low_threshold": 1.2}))
