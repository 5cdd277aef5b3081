"""Sums of two numbers, answered in one turn and judged by exact match."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from kitchen.runtime.adapters.problems import AdditionConfig
from kitchen.runtime.order import permutation
from kitchen.runtime.ports import Problem, Prompt, Step, Workspace

HELD_OUT = 0.1  #: share of the sums that are never trained on
NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Sum:
    """One sum to answer."""

    first: int
    second: int
    format_penalty: float

    @property
    def prompt(self) -> Prompt:
        return ({"role": "user", "content": f"{self.first}+{self.second}="},)

    @property
    def answer(self) -> str:
        return str(self.first + self.second)

    def step(self, action: str) -> Step:
        said = action.strip()
        correct, formed = said == self.answer, bool(NUMBER.fullmatch(said))
        return Step(
            reward=float(correct) - self.format_penalty * (not formed),
            done=True,
            metrics={"correct": float(correct), "format": float(formed)},
        )


class Addition:
    """All sums of two numbers with so many digits, a tenth of them held out.

    The seed decides the order of the problems, never which of them are held out.
    """

    def __init__(self, config: AdditionConfig, workspace: Workspace) -> None:
        self.config = config
        self.lowest = 10 ** (config.digits - 1) if config.digits > 1 else 0
        self.width = 10**config.digits - self.lowest

    def begin(self, problem: Problem) -> Sum:
        pairs = self._splits[problem.split]
        lap, place = divmod(problem.index, len(pairs))
        pair = int(pairs[_order(len(pairs), problem.seed, lap)[place]])
        first, second = divmod(pair, self.width)
        return Sum(self.lowest + first, self.lowest + second, self.config.format_penalty)

    def answer(self, problem: Problem) -> str | None:
        return self.begin(problem).answer

    @cached_property
    def _splits(self) -> dict[str, np.ndarray]:
        pairs = permutation(self.width**2)
        count = round(HELD_OUT * len(pairs))
        return {"held_out": pairs[:count], "train": pairs[count:]}


@lru_cache(maxsize=8)
def _order(count: int, seed: int, lap: int) -> np.ndarray:
    """The order in which the sums of a split come, each once in a lap."""
    return permutation(count, seed, lap)
