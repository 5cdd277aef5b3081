"""The `environment` port: problems, and what becomes of an attempt at one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from kitchen.ir.frozen import frozen

Prompt = str | tuple[Mapping[str, str], ...]  #: text to be gone on with, or a conversation


@frozen
class Problem:
    """Which problem: the same three always mean the same one.

    `split` is `train` or `held_out`; where an environment has problems enough, none is in both,
    whatever the seed.
    """

    seed: int
    split: str
    index: int


@frozen
class Step:
    """What came of an action: its reward, and what is said next unless the episode is done.

    The metrics of the last step count: `correct` is among them, 0 or 1.
    """

    reward: float
    done: bool
    observation: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)


class Episode(Protocol):
    """One attempt at a problem."""

    @property
    def prompt(self) -> Prompt:
        """The first observation."""
        ...

    def step(self, action: str) -> Step:
        """Judge what a model said. The text is read, and never run."""
        ...


class Environment(Protocol):
    """Poses problems and rewards what is done about them."""

    def begin(self, problem: Problem) -> Episode:
        """A new attempt; attempts at one problem begin alike and know nothing of each other."""
        ...

    def answer(self, problem: Problem) -> str | None:
        """One action that is right, to learn from; None where no single action is."""
        ...
