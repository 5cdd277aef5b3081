"""Toy stages with every kind of input, output and effect, whose writes are recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from kitchen.ir.source import Source
from kitchen.ir.spec import Effect, Registry
from kitchen.runtime.config import Config
from kitchen.runtime.stage import stage
from kitchen.runtime.values import Closes, Handle, Mut, Record, Stream


class Journal(Protocol):
    """The port that all toys write to."""

    def write(self, line: str) -> None: ...


class Lines:
    """A journal in memory: what was written, and how often a stage was called."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, line: str) -> None:
        self.written.append(line)


class Cell(Handle):
    """A number that can be changed."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.closed = False

    def read(self) -> int:
        if self.closed:
            raise ValueError("the cell is closed")
        return self.number


class Steps(Stream[int]):
    """0, 1, 2, ..."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def iterate(self, start: int = 0) -> Iterator[int]:
        return iter(range(start, self.length))


@dataclass(frozen=True)
class Score(Record):
    """A number with a verdict."""

    value: int
    good: bool


class Ends(NamedTuple):
    low: int
    high: int


class Number(Config):
    value: int = 0


class Count(Config):
    count: int = 2


class Limit(Config):
    limit: int = 5


class Label(Config):
    label: str = ""


# ---------------------------------------------------------------------------------- pure


@stage(effect=Effect.PURE)
def number(*, config: Number) -> int:
    """A number."""
    return config.value


@stage(effect=Effect.PURE)
def add(left: int, right: int, *, config: Number) -> int:
    """A sum, kept small."""
    return (left + right + config.value) % 1009


@stage(effect=Effect.PURE)
def ends(value: int) -> Ends:
    """Two numbers around one."""
    return Ends(value - 1, value + 1)


@stage(effect=Effect.PURE)
def items(value: int, *, config: Count) -> list[int]:
    """A few numbers."""
    return [value + index for index in range(config.count)]


@stage(effect=Effect.PURE)
def total(values: list[int]) -> int:
    """The sum of a list."""
    return sum(values) % 1009


@stage(effect=Effect.PURE)
def even(value: int) -> int | None:
    """The number, if it is even."""
    return value if value % 2 == 0 else None


@stage(effect=Effect.PURE)
def judge(value: int, *, config: Limit) -> Score:
    """Whether a number is below a limit."""
    return Score(value, value < config.limit)


@stage(effect=Effect.PURE)
def steps(value: int) -> Stream[int]:
    """As many steps as a number says, at most three."""
    return Steps(abs(value) % 4)


@stage(effect=Effect.PURE)
def refuse(value: int, *, config: Limit) -> int:
    """The number; fails above a limit."""
    if value > config.limit:
        raise ValueError(f"{value} is above {config.limit}")
    return value


@stage(effect=Effect.PURE)
def make_cell(*, config: Number) -> Cell:
    """A cell from a stage that says it is pure, which a stage that gives a cell should not."""
    return Cell(config.value)


@stage(effect=Effect.PURE)
def glance(cell: Cell) -> int:
    """A pure look at a cell."""
    return cell.read()


# --------------------------------------------------------------------------- reads, handles


@stage(effect=Effect.READS)
def sense(*, config: Number) -> int:
    """A number from the world."""
    return config.value + 7


@stage(effect=Effect.READS)
def open_cell(*, config: Number) -> Cell:
    """A new cell."""
    return Cell(config.value)


@stage(effect=Effect.READS)
def peek(cell: Cell) -> int:
    """What a cell holds."""
    return cell.read()


@stage(effect=Effect.READS)
def bump(cell: Mut[Cell], by: int) -> int:
    """Add to a cell; gives what it holds then."""
    cell.number = (cell.read() + by) % 1009
    return cell.number


@stage(effect=Effect.READS)
def double(cell: Mut[Cell]) -> None:
    """Double a cell."""
    cell.number = cell.read() * 2 % 1009


@stage(effect=Effect.READS)
def close_cell(cell: Closes[Cell]) -> None:
    """Close a cell: it cannot be read after that."""
    cell.read()
    cell.closed = True


# ---------------------------------------------------------------------------------- writes


@stage(effect=Effect.WRITES)
def report(value: int | None, *, config: Label, journal: Journal) -> None:
    """Write a number down."""
    journal.write(f"{config.label}{value}")


@stage(effect=Effect.WRITES)
def save(cell: Cell, *, config: Label, journal: Journal) -> int:
    """Write down what a cell holds."""
    journal.write(f"{config.label}[{cell.read()}]")
    return cell.read()


@stage(effect=Effect.WRITES)
def stamp(cell: Mut[Cell], *, journal: Journal) -> None:
    """Write down what a cell holds, and count that."""
    journal.write(f"<{cell.read()}>")
    cell.number += 1


FUNCTIONS: Mapping[str, Any] = {
    function.spec.name: function  # type: ignore[attr-defined]
    for function in (
        number, add, ends, items, total, even, judge, steps, refuse, make_cell, glance,
        sense, open_cell, peek, bump, double, close_cell, report, save, stamp,
    )
}  # fmt: skip


def registry(**workflows: str) -> Registry:
    """The toys as a compiler knows them, and workflows by name."""
    return Registry(
        stages={name: function.spec for name, function in FUNCTIONS.items()},
        workflows={name: Source("workflow.yaml", text) for name, text in workflows.items()},
    )


REGISTRY = registry()
