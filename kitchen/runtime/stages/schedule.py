"""The learning rate as a function of the step."""

from __future__ import annotations

import math
from typing import Literal

from kitchen.ir.spec import Effect
from kitchen.runtime.config import Config, setting
from kitchen.runtime.ports import DataError
from kitchen.runtime.stage import stage


class LearningRateConfig(Config):
    peak: float = setting(minimum=0)
    schedule: Literal["constant", "linear", "cosine", "polynomial", "exponential"] = "linear"
    warmup_steps: int = setting(default=0, minimum=0, doc="steps until the peak is reached")
    warmup_ratio: float = setting(
        default=0.0, minimum=0, maximum=1, doc="the same, as a share of all steps"
    )
    total_steps: int = setting(minimum=1)
    step: int = setting(minimum=0, doc="steps taken before this one")
    minimum_ratio: float = setting(
        default=0.0, minimum=0, maximum=1, doc="share of the peak left at the end"
    )
    power: float = setting(default=1.0, above=0, doc="of `polynomial`")


@stage(effect=Effect.PURE)
def learning_rate(*, config: LearningRateConfig) -> float:
    """The learning rate of a step: a linear warm-up from 0, then a schedule down from the peak.

    With w warm-up steps of S, p = (step - w) / (S - w), m = `minimum_ratio`, the factor is
    constant 1; linear m + (1 - m)(1 - p); cosine m + (1 - m)(1 + cos(pi p)) / 2; polynomial
    m + (1 - m)(1 - p)^power; exponential m^p. The formulae are those of transformers'
    `optimization.py`, which has no exponential: there it is a constant factor from step to step.
    """
    if config.warmup_steps and config.warmup_ratio:
        raise DataError(
            "`warmup_steps` and `warmup_ratio` both say how long the warm-up is",
            help="leave one of them out",
        )
    if config.schedule == "exponential" and config.minimum_ratio == 0:
        raise DataError(
            "the `exponential` schedule never comes down to 0",
            help="set `minimum_ratio` above 0, to 0.01 for example",
        )
    warmup = config.warmup_steps or math.ceil(config.warmup_ratio * config.total_steps)
    if config.step < warmup:
        return config.peak * config.step / warmup
    progress = min((config.step - warmup) / max(1, config.total_steps - warmup), 1.0)
    return config.peak * _factor(config, progress)


def _factor(config: LearningRateConfig, progress: float) -> float:
    low, left = config.minimum_ratio, 1 - progress
    match config.schedule:
        case "constant":
            return 1.0
        case "linear":
            return low + (1 - low) * left
        case "cosine":
            return low + (1 - low) * 0.5 * (1 + math.cos(math.pi * progress))
        case "polynomial":
            return low + (1 - low) * math.pow(left, config.power)
        case "exponential":
            return math.pow(low, progress)
