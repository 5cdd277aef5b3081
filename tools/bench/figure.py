"""Figures, and the one way to take them: alternating pairs, the median of their ratios."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Timed = Callable[[], float]  #: runs once and says what it measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What kitchen took beside what a peer took; `ratio` is kitchen ÷ peer.

    `bound` is what was promised: at most that, or at least that where `at_least`. It bounds the
    ratio, or kitchen's own figure where `bounds_ours`.
    """

    name: str
    peer: str
    ours: float
    theirs: float
    ratio: float
    unit: str
    bound: float | None = None
    at_least: bool = False
    bounds_ours: bool = False
    note: str = ""

    @property
    def kept(self) -> bool | None:
        """Whether the promise holds; None where there is none."""
        if self.bound is None:
            return None
        value = self.ours if self.bounds_ours else self.ratio
        return value >= self.bound if self.at_least else value <= self.bound


def pairs(ours: Timed, theirs: Timed, *, count: int) -> tuple[float, float, float]:
    """Medians of both over `count` alternating pairs, and the median of the pairs' ratios.

    Who goes first alternates too, so that a machine that slows down favours nobody.
    """
    first, second = list[float](), list[float]()
    for index in range(count):
        if index % 2 == 0:
            first.append(ours())
            second.append(theirs())
        else:
            second.append(theirs())
            first.append(ours())
    ratios = [a / b for a, b in zip(first, second, strict=True)]
    return statistics.median(first), statistics.median(second), statistics.median(ratios)


def seconds(work: Callable[[], object]) -> Timed:
    """Time a piece of work, the garbage of earlier ones collected before."""

    def timed() -> float:
        gc.collect()
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return timed
