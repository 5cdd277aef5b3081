"""Small stages that make task graphs of every kind: installed where `PYTHONPATH` has this folder.

None of them is arithmetic to the compiler, so each can be a task. What they write into the folder
of the run is what two ways of running a recipe are compared by.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass

from kitchen import Config, Effect, setting, stage
from kitchen.runtime.ports import AdapterError, DataError, MetricsStore, Workspace
from kitchen.runtime.store import commit_file
from kitchen.runtime.values import Artifact, Handle, Mut, Record


@dataclass(frozen=True, slots=True)
class Jar(Record):
    """Something on a shelf: what it is, how much of it, and whether that is a lot."""

    name: str
    grams: int
    heavy: bool


@dataclass(frozen=True, slots=True)
class Check(Record):
    """Whether something is so."""

    yes: bool


@dataclass(frozen=True, slots=True)
class Soup(Artifact):
    """What travels by reference: everything that went in."""

    uri: str
    parts: tuple[str, ...]


class Pot(Handle):
    """A handle: what uses one is one task."""

    def __init__(self) -> None:
        self.parts: list[str] = []


class NumberConfig(Config):
    value: int = 0


@stage(effect=Effect.READS)
def number(*, config: NumberConfig) -> int:
    """A number."""
    return config.value


class TextConfig(Config):
    text: str = ""


@stage(effect=Effect.READS)
def words(*, config: TextConfig) -> list[str]:
    """The words of a text."""
    return config.text.split()


class CountConfig(Config):
    count: int = setting(default=0, minimum=0)
    width: int = setting(default=2, minimum=0)


@stage(effect=Effect.READS)
def shelves(*, config: CountConfig) -> list[list[str]]:
    """Shelves with names on them, each with one more than the one before."""
    return [
        [f"s{number}n{place}" for place in range(config.width + number)]
        for number in range(config.count)
    ]


@stage(effect=Effect.READS)
def count_of(names: list[str]) -> int:
    """How many names there are."""
    return len(names)


class WeighConfig(Config):
    factor: int = 10
    limit: int = setting(default=30, doc="above it a jar is heavy")


@stage(effect=Effect.READS)
def weigh(name: str, *, config: WeighConfig) -> Jar:
    """Weigh a name by its letters."""
    grams = len(name) * config.factor
    return Jar(name, grams, grams > config.limit)


@stage(effect=Effect.READS)
def grams_of(jar: Jar) -> int:
    """What a jar weighs."""
    return jar.grams


@stage(effect=Effect.READS)
def total(jars: list[Jar]) -> int:
    """All that a row of jars weighs."""
    return sum(jar.grams for jar in jars)


@stage(effect=Effect.READS)
def total_of(values: list[int]) -> int:
    """A sum."""
    return sum(values)


@stage(effect=Effect.READS)
def total_of_known(values: list[int | None]) -> int:
    """A sum of what is there."""
    return sum(value for value in values if value is not None)


@stage(effect=Effect.READS)
def add(left: int, right: int | None) -> int:
    """A sum; what is absent counts for a thousand."""
    return left + (1000 if right is None else right)


@stage(effect=Effect.READS)
def double(value: int) -> int:
    """Twice as much."""
    return value * 2


class GoalConfig(Config):
    goal: int = 0


@stage(effect=Effect.READS)
def reached(value: int, *, config: GoalConfig) -> Check:
    """Whether a number is at least another."""
    return Check(value >= config.goal)


class KeepConfig(Config):
    name: str = setting(doc="of the file in the run's folder")


@stage(effect=Effect.WRITES)
def keep(value: int | None, *, config: KeepConfig, workspace: Workspace) -> None:
    """Write a number into the folder of the run."""
    _keep(workspace, config.name, json.dumps(value))


class NoteConfig(Config):
    name: str
    text: str


@stage(effect=Effect.WRITES)
def note(*, config: NoteConfig, workspace: Workspace) -> None:
    """Write a text into the folder of the run."""
    _keep(workspace, config.name, json.dumps(config.text))


@stage(effect=Effect.WRITES)
def keep_jar(jar: Jar, *, workspace: Workspace) -> None:
    """Write a jar into the folder of the run."""
    _keep(workspace, jar.name, json.dumps(asdict(jar)))


class MeasureConfig(Config):
    name: str
    step: int = 0


@stage(effect=Effect.WRITES)
def measure(value: int, *, config: MeasureConfig, metrics: MetricsStore) -> None:
    """Log a number."""
    metrics.log(config.step, {config.name: float(value)})


class FlakyConfig(Config):
    fails: int = setting(default=0, minimum=0)
    name: str = "flaky"


@stage(effect=Effect.READS)
def flaky(*, config: FlakyConfig, workspace: Workspace) -> int:
    """Fail some times, in whatever process, then give how often it was tried."""
    assert workspace.run is not None
    tries = 1
    while (workspace.run / f"{config.name}.try-{tries}").exists():
        tries += 1
    _keep(workspace, f"{config.name}.try-{tries}", "null")
    if tries <= config.fails:
        raise AdapterError(f"try {tries} failed", transient=True)
    return tries


class SlowConfig(Config):
    seconds: float = 0.0


@stage(effect=Effect.READS)
def slow(value: int, *, config: SlowConfig) -> int:
    """Take some time."""
    time.sleep(config.seconds)
    return value


class RefuseConfig(Config):
    above: int = setting(default=1_000_000, doc="what is more is refused")


@stage(effect=Effect.READS)
def refuse_above(value: int, *, config: RefuseConfig) -> int:
    """The same number, unless it is too large."""
    if value > config.above:
        raise DataError(f"{value} is more than {config.above}")
    return value


@stage(effect=Effect.READS)
def open_pot() -> Pot:
    """An empty pot."""
    return Pot()


@stage(effect=Effect.READS)
def stir(pot: Mut[Pot], name: str) -> int:
    """Put something in; gives how many things are in it."""
    pot.parts.append(name)
    return len(pot.parts)


@stage(effect=Effect.WRITES)
def serve(pot: Pot, *, config: KeepConfig, workspace: Workspace) -> Soup:
    """What is in a pot, kept in the folder of the run."""
    _keep(workspace, config.name, json.dumps(pot.parts))
    return Soup(config.name, tuple(pot.parts))


@stage(effect=Effect.READS)
def taste(soup: Soup) -> int:
    """How many things are in a soup."""
    return len(soup.parts)


def _keep(workspace: Workspace, name: str, text: str) -> None:
    assert workspace.run is not None
    commit_file(workspace.run / name, text.encode())
