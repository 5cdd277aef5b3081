"""Small environments of our own, for first runs and for tests.

This module declares the adapters; what they do is in the modules beside it, which are imported
when a run binds them.
"""

from __future__ import annotations

from kitchen.runtime.adapter import Adapter
from kitchen.runtime.config import Config, setting


class AdditionConfig(Config):
    """Sums of two numbers."""

    digits: int = setting(default=2, minimum=1, maximum=3, doc="of each number")
    format_penalty: float = setting(
        default=0.0, minimum=0, doc="taken off the reward of an answer that is no number"
    )


class GuessingConfig(Config):
    """A number to find by guesses."""

    highest: int = setting(default=15, minimum=2, maximum=1000, doc="the number is from 1 to this")
    guesses: int = setting(default=4, minimum=1, doc="after so many the game is lost")


ADDITION = Adapter(
    port="environment",
    name="addition",
    target="kitchen.runtime.adapters.problems.addition:Addition",
    config=AdditionConfig,
    doc="Sums such as `23+58=`: reward 1 for the exact answer, one turn.",
)

GUESSING = Adapter(
    port="environment",
    name="guessing",
    target="kitchen.runtime.adapters.problems.guessing:Guessing",
    config=GuessingConfig,
    doc="A number to be guessed, with `higher` or `lower` after each guess: several turns.",
)
