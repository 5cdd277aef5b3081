"""Learning rates against those of transformers, step by step."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from kitchen.runtime.ports import DataError
from kitchen.runtime.stages.schedule import LearningRateConfig, learning_rate

PEAK, STEPS = 0.01, 20


def rates(**settings: Any) -> list[float]:
    return [
        learning_rate(
            config=LearningRateConfig(peak=PEAK, total_steps=STEPS, step=step, **settings)
        )
        for step in range(STEPS + 3)
    ]


def theirs(make: Callable[..., Any], **settings: Any) -> list[float]:
    import torch

    optimizer = torch.optim.AdamW([torch.zeros(1)], lr=PEAK)
    scheduler = make(optimizer, **settings)
    found = []
    for _ in range(STEPS + 3):
        found.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize("warmup", [0, 5])
def test_the_formulae_are_those_of_transformers(warmup: int) -> None:
    from transformers import optimization as hf

    span = {"num_warmup_steps": warmup, "num_training_steps": STEPS}
    expected = {
        "constant": theirs(hf.get_constant_schedule_with_warmup, num_warmup_steps=warmup),
        "linear": theirs(hf.get_linear_schedule_with_warmup, **span),
        "cosine": theirs(hf.get_cosine_schedule_with_warmup, **span),
    }
    for schedule, rates_of in expected.items():
        found = rates(schedule=schedule, warmup_steps=warmup)
        if schedule == "cosine":  # past its end, theirs rises again
            found, rates_of = found[: STEPS + 1], rates_of[: STEPS + 1]
        assert found == pytest.approx(rates_of, abs=1e-12), schedule
    polynomial = theirs(
        hf.get_polynomial_decay_schedule_with_warmup, **span, lr_end=0.1 * PEAK, power=2.0
    )
    assert rates(
        schedule="polynomial", warmup_steps=warmup, minimum_ratio=0.1, power=2.0
    ) == pytest.approx(polynomial, abs=1e-12)
    cosine = theirs(hf.get_cosine_with_min_lr_schedule_with_warmup, **span, min_lr_rate=0.1)
    found = rates(schedule="cosine", warmup_steps=warmup, minimum_ratio=0.1)
    assert found[: STEPS + 1] == pytest.approx(cosine[: STEPS + 1], abs=1e-12)


def test_exponential_falls_by_a_constant_factor() -> None:
    found = rates(schedule="exponential", minimum_ratio=0.01)
    factors = [after / before for before, after in pairwise(found[: STEPS + 1])]
    assert factors == pytest.approx([0.01 ** (1 / STEPS)] * STEPS)
    assert found[0] == PEAK
    assert found[STEPS] == pytest.approx(0.01 * PEAK)


def test_a_ratio_counts_steps() -> None:
    assert rates(warmup_ratio=0.25) == rates(warmup_steps=5)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"warmup_steps": 2, "warmup_ratio": 0.1}, "`warmup_steps` and `warmup_ratio`"),
        ({"schedule": "exponential"}, "`exponential`"),
    ],
)
def test_settings_that_do_not_go_together(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said) as raised:
        rates(**settings)
    assert raised.value.help
