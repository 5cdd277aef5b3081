"""How often each op runs, as far as that is known before a run."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from kitchen.ir.expr import EvaluationError, Expr, Value, evaluate
from kitchen.ir.frozen import frozen
from kitchen.ir.program import Branch, Loop, Map, Program, Region, Stage

#: Iterations that are gone through one by one, to see which way a condition goes in each.
MOST = 5_000


@frozen
class Count:
    """At least `low` times and at most `high`; a `high` of None is known only at run time.

    >>> str(Count(3, 3)), str(Count(0, 3)), str(Count(0, None))
    ('3', '<=3', '?')
    """

    low: int
    high: int | None

    def __mul__(self, other: Count) -> Count:
        never = 0 in (self.high, other.high)
        unknown = self.high is None or other.high is None
        high = 0 if never else None if unknown else (self.high or 0) * (other.high or 0)
        return Count(self.low * other.low, high)

    def __add__(self, other: Count) -> Count:
        unknown = self.high is None or other.high is None
        return Count(self.low + other.low, None if unknown else self.high + other.high)  # type: ignore[operator]

    @property
    def maybe(self) -> Count:
        """As often, or less often: an end before the end, or a condition that is not known."""
        return Count(0, self.high)

    @property
    def known(self) -> int | str:
        """The number, `"<=N"` where only a bound is known, `"?"` where there is none."""
        if self.high is None:
            return "?"
        return self.high if self.low == self.high else f"<={self.high}"

    def __str__(self) -> str:
        return str(self.known)


NEVER, ONCE, UNKNOWN = Count(0, 0), Count(1, 1), Count(0, None)


@frozen
class Runs:
    """How often one op runs in all; of a loop or map also its iterations each time, and in all."""

    times: Count
    trips: Count | None = None
    iterations: Count | None = None


Values = dict[Value, object]
#: The loop variables of each run of a region; None where the runs are not told apart.
Cases = list[Values] | None


@dataclass(slots=True)
class _Counter:
    """What is found on the way down; `left` is how much may still be gone through one by one."""

    fixed: Values
    found: dict[str, Runs] = field(default_factory=dict)
    left: int = MOST

    def region(self, region: Region, times: Count, cases: Cases) -> None:
        """Count the ops of a region that runs `times`."""
        for op in region.ops:
            match op:
                case Stage():
                    self.found[op.name] = Runs(times)
                case Branch():
                    self.branch(op, times, cases)
                case Loop() | Map():
                    self.loop(op, times, cases)

    def branch(self, op: Branch, times: Count, cases: Cases) -> None:
        self.found[op.name] = Runs(times)
        tests = self.each(op.condition, cases)
        for region, wanted in ((op.then, True), (op.orelse, False)):
            if tests is None:
                self.region(region, times.maybe, None)
            elif cases is None:
                self.region(region, times if bool(tests[0]) is wanted else NEVER, None)
            else:
                paired = zip(cases, tests, strict=True)
                taken = [case for case, test in paired if bool(test) is wanted]
                self.region(region, Count(len(taken), len(taken)), taken)

    def loop(self, op: Loop | Map, times: Count, cases: Cases) -> None:
        over = None if op.over is None else self.each(op.over, cases)
        lengths = [len(items) for items in over or () if isinstance(items, (range, list, tuple))]
        inner: Cases = None
        if over is None or len(lengths) < len(over):
            trips = iterations = UNKNOWN if times != NEVER else NEVER
        else:
            trips = Count(min(lengths, default=0), max(lengths, default=0))
            total = sum(lengths)
            iterations = times * trips if cases is None else Count(total, total)
            inner = self.inside(op, over, cases, total)
        if isinstance(op, Loop) and (op.while_ is not None or op.until is not None):
            trips, iterations, inner = trips.maybe, iterations.maybe, None
        self.found[op.name] = Runs(times, trips, iterations)
        self.region(op.body, iterations, inner)

    def inside(self, op: Loop | Map, over: list[Any], cases: Cases, total: int) -> Cases:
        """The cases of a loop's body, unless they are too many."""
        if cases is None or total > self.left:
            return None
        self.left -= total
        variable = op.body.params[0]
        paired = zip(cases, over, strict=True)
        return [{**case, variable: item} for case, items in paired for item in items]

    def each(self, expr: Expr, cases: Cases) -> list[Any] | None:
        """What an expression gives in each case, or in all alike; None if that is not known."""
        runs = 1 if cases is None else len(cases)
        with suppress(KeyError, EvaluationError):
            return [evaluate(expr, self.fixed.__getitem__)] * runs
        if cases is None or runs > self.left:
            return None
        self.left -= runs
        with suppress(KeyError, EvaluationError):
            return [evaluate(expr, (self.fixed | case).__getitem__) for case in cases]
        return None


def count(program: Program) -> dict[str, Runs]:
    """How often each op of a program runs, by its name, if nothing fails."""
    counter = _Counter({param.value: param.setting for param in program.params})
    counter.region(program.body, ONCE, [{}])
    counter.region(program.on_failure, ONCE.maybe, None)
    counter.region(program.finally_, ONCE, [{}])
    return counter.found
