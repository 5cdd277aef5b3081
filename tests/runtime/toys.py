"""Small stages with every kind of input and effect, and programs made of them from YAML."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from kitchen.compiler.build import build
from kitchen.compiler.frontend.expand import expand
from kitchen.compiler.frontend.parse import parse_recipe
from kitchen.ir.program import Program
from kitchen.ir.source import Source
from kitchen.ir.spec import Effect, Registry
from kitchen.runtime.config import Config
from kitchen.runtime.events import Listener
from kitchen.runtime.ports import AdapterError, Workspace
from kitchen.runtime.stage import stage
from kitchen.runtime.values import Artifact, Closes, Handle, Mut, Record, Stream
from kitchen.runtime.world import World

if TYPE_CHECKING:
    import numpy as np


class Log(Protocol):
    """A port that only remembers."""

    def write(self, line: str) -> None: ...


@dataclass
class MemoryLog:
    """The lines written, how often each stage was tried, and a rewindable length."""

    lines: list[str] = field(default_factory=list)
    tries: dict[str, int] = field(default_factory=dict)
    release: threading.Event = field(default_factory=threading.Event)

    def write(self, line: str) -> None:
        self.lines.append(line)

    def position(self) -> int:
        return len(self.lines)

    def rewind(self, position: int) -> None:
        del self.lines[position:]


class Counter(Handle):
    """A handle with a state."""

    def __init__(self) -> None:
        self.count = 0


class CounterState:
    """How a counter's state is kept in a checkpoint."""

    def save(self, ports: Mapping[str, Any], handle: Counter, folder: Path) -> None:
        (folder / "count").write_text(str(handle.count))

    def load(self, ports: Mapping[str, Any], handle: Counter, folder: Path) -> None:
        handle.count = int((folder / "count").read_text())


class Numbers(Stream[int]):
    """0, 1, 2, ... times a factor."""

    def __init__(self, length: int, factor: int) -> None:
        self.length, self.factor = length, factor

    def __len__(self) -> int:
        return self.length

    def iterate(self, start: int = 0) -> Iterator[int]:
        return (index * self.factor for index in range(start, self.length))


@dataclass(frozen=True, slots=True)
class Score(Record):
    value: int
    good: bool


class Pair(NamedTuple):
    first: int
    second: int


class NumberConfig(Config):
    value: int = 0


@stage(effect=Effect.PURE)
def number(*, config: NumberConfig) -> int:
    """A number."""
    return config.value


@stage(effect=Effect.PURE)
def add(left: int, right: int) -> int:
    """A sum."""
    return left + right


@stage(effect=Effect.PURE)
def pair(*, config: NumberConfig) -> Pair:
    """Two numbers."""
    return Pair(config.value, config.value + 1)


class NumbersConfig(Config):
    length: int
    factor: int = 1


@stage(effect=Effect.PURE)
def numbers(*, config: NumbersConfig) -> Stream[int]:
    """A stream of numbers."""
    return Numbers(config.length, config.factor)


@stage(effect=Effect.READS)
def open_counter() -> Counter:
    """A new counter."""
    return Counter()


@stage(effect=Effect.READS)
def close_counter(counter: Closes[Counter], *, log: Log) -> None:
    """Close a counter, and say at what."""
    log.write(f"closed at {counter.count}")


@stage(effect=Effect.READS)
def bump(counter: Mut[Counter], by: int) -> Future[int]:
    """Add to a counter; gives the sum so far, later."""
    counter.count += by
    future: Future[int] = Future()
    future.set_result(counter.count)
    return future


@stage(effect=Effect.READS)
def score(counter: Counter, *, config: NumberConfig) -> Score:
    """Whether a counter has reached a number."""
    return Score(counter.count, counter.count >= config.value)


@dataclass(frozen=True, slots=True, eq=False)
class Measured(Artifact):
    """A count at one time, in an array."""

    counts: np.ndarray


@stage(effect=Effect.READS)
def measure(counter: Counter) -> Measured:
    """What a counter shows now."""
    import numpy as np

    return Measured(np.array([counter.count]))


@stage(effect=Effect.PURE)
def shown(measured: Measured) -> int:
    """What a counter showed."""
    return int(measured.counts[0])


class WriteConfig(Config):
    text: str = ""


@stage(effect=Effect.WRITES)
def write(value: int | None, *, config: WriteConfig, log: Log) -> None:
    """Write a line."""
    log.write(f"{config.text}{'' if value is None else value}")


class FlakyConfig(Config):
    fail: int = 0
    name: str = "flaky"
    transient: bool = True


@stage(effect=Effect.READS)
def flaky(*, config: FlakyConfig, log: MemoryLog) -> int:
    """Fail some times, then give how often it was tried."""
    tries = log.tries[config.name] = log.tries.get(config.name, 0) + 1
    if tries <= config.fail:
        raise AdapterError(f"try {tries} failed", transient=config.transient)
    return tries


@stage(effect=Effect.READS)
def hang(*, log: MemoryLog) -> int:
    """Wait until somebody sets the log's `release`."""
    log.release.wait()
    return 1


#: Two calls of `meet` wait here for each other, and fail if one comes alone.
MEETING = threading.Barrier(2, timeout=60)


@stage(effect=Effect.PURE)
def meet(*, config: NumberConfig) -> int:
    """Go on when another call of this stage has begun."""
    MEETING.wait()
    return config.value


@stage(effect=Effect.PURE)
def thread_name() -> str:
    """The thread this runs in."""
    return threading.current_thread().name


FUNCTIONS: Mapping[str, Any] = {
    function.spec.name: function  # type: ignore[attr-defined]
    for function in (
        number,
        add,
        pair,
        numbers,
        open_counter,
        close_counter,
        bump,
        score,
        measure,
        shown,
        write,
        flaky,
        hang,
        meet,
        thread_name,
    )
}


def program_of(
    template: str, *, inner: Mapping[str, str] | None = None, **params: object
) -> Program:
    """The built program of a template's `params:` and `steps:`; `inner` are others it may name."""
    registry = Registry(
        stages={name: function.spec for name, function in FUNCTIONS.items()},
        workflows={
            name: Source(f"{name}.yaml", f"kitchen: 1\nworkflow: {name}\n{steps}")
            for name, steps in {**(inner or {}), "toy": template}.items()
        },
    )
    given = "".join(f"\n  {name}: {value}" for name, value in params.items())
    text = "kitchen: 1\nrecipe: toy\nworkflow: toy\n" + (f"params:{given}\n" if given else "")
    recipe, faults = parse_recipe(Source("recipe.yaml", text))
    assert recipe is not None, faults
    expanded, faults = expand(recipe, registry, {})
    assert expanded is not None, faults
    program, faults = build(expanded, registry)
    assert not faults, faults
    return program


def world_of(log: MemoryLog, *listeners: Listener, **more: Any) -> World:
    """A world with the toy stages and one log."""
    workspace = Workspace(base=Path(), cache=Path())
    return World(
        functions=FUNCTIONS, ports={"log": log}, workspace=workspace, listeners=listeners, **more
    )
