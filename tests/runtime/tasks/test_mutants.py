"""Broken ways to read values, to tell and to order tasks: the random programs catch each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from kitchen.ir.expr import EvaluationError
from kitchen.ir.program import Program
from kitchen.runtime import runner, store
from kitchen.runtime.calls import StageError
from kitchen.runtime.manifest import StorageError
from kitchen.runtime.tasks import instance, local
from kitchen.runtime.tasks.attempt import Attempt
from kitchen.runtime.tasks.outcomes import Outcomes, TaskError
from kitchen.runtime.tasks.values import Values
from tests.compiler.partition_cases import CASES
from tests.compiler.random_programs import random_program
from tests.runtime.faulty_disk import UNFORCED
from tests.runtime.tasks.test_random_programs import faults

REAL = {
    name: getattr(Values, name)
    for name in ("arm", "items", "count", "is_over", "_given", "_output")
}


def _starts_anew(values: Values, value: Any, place: Any) -> Any:
    return REAL["_given"](values, value, (*place[:-1], 0))


def _one_further(values: Values, value: Any, place: Any) -> Any:
    found, number = values.layout.given_by[value]
    depth = found.depth
    if number == 0 and place[depth] > 0:
        place = (*place[:depth], place[depth] - 1, *place[depth + 1 :])
    return REAL["_given"](values, value, place)


def _at_the_first(values: Values, task: Any, place: Any, value: Any) -> Any:
    return REAL["_output"](values, task, (0,) * len(place), value)


def _oldest(self: Attempt) -> dict[Any, Any]:
    by_name = dict(self.task.latest)
    return {
        version: self.values.value(version, ())
        for param in self.task.region.params
        for version in by_name.get(param, ())[:1]
    }


def _without_indices(found: Any, place: Any) -> str:
    return ".".join(f"{number:06d}" for number in found.numbers)


def _backwards(found: Any, place: Any) -> str:
    return "-".join(f"{999 - number:03d}" for number in found.numbers)


#: What each is, and the patch that makes it so.
MUTANTS: dict[str, tuple[Any, str, Any]] = {
    "takes the other arm": (Values, "arm", lambda *args: 1 - REAL["arm"](*args)),
    "leaves the last item out": (Values, "items", lambda *args: REAL["items"](*args)[:-1]),
    "does not see `until`": (Values, "is_over", lambda *_: False),
    "ends each loop at once": (Values, "is_over", lambda *_: True),
    "carries the first value only": (Values, "_given", _starts_anew),
    "gives an item twice": (Values, "_given", _one_further),
    "reads what the first iteration made": (Values, "_output", _at_the_first),
    "gives endings the oldest version": (Attempt, "_latest", _oldest),
    "lets iterations share a part": (instance, "order_of", _without_indices),
    "orders parts from the last": (instance, "order_of", _backwards),
    "runs again what is done": (Outcomes, "is_done", lambda *_: False),
    "keeps what an attempt that died wrote": (runner, "_forget", lambda world: None),
    "does not wait for edges": (local, "all", lambda _: True),
}


def pool() -> Iterator[tuple[Program, float]]:
    """Programs, and how often an attempt at a task of theirs is killed."""
    yield from ((make(), 0.0) for make in CASES.values())
    yield from ((random_program(seed, 20), 0.0) for seed in range(40))
    yield from ((make(), 0.8) for make in CASES.values())
    yield from ((random_program(seed, 14), 0.8) for seed in range(1000, 1010))


@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_are_caught(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "system", UNFORCED)
    owner, attribute, new = MUTANTS[name]
    with patch.object(owner, attribute, new, create=True):
        assert any(is_caught(*each, tmp_path / str(number)) for number, each in enumerate(pool()))


def is_caught(program: Program, kill: float, folder: Path) -> bool:
    try:
        return bool(faults(program, folder, 0, kill=kill))
    except (TaskError, StageError, EvaluationError, StorageError, LookupError, TypeError):
        return True
