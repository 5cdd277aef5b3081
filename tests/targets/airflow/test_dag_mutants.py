"""Broken ways to make a DAG of a task graph: running random programs catches each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from kitchen.compiler.targets.airflow import lowering
from kitchen.compiler.targets.airflow.lowering import ALL_DONE, Lowering, Run, Spread
from kitchen.ir.program import Program
from kitchen.runtime import store
from tests.compiler.partition_cases import CASES
from tests.compiler.random_programs import random_program
from tests.runtime.faulty_disk import UNFORCED
from tests.targets.airflow.test_random_dags import faults

pytestmark = pytest.mark.slow

REAL = {name: getattr(Lowering, name) for name in ("whole", "graph", "group", "task", "places")}


@pytest.fixture(autouse=True)
def unforced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "system", UNFORCED)


def changed(change: Any) -> Any:
    """All tasks as they are, but for a change to each."""

    def whole(self: Lowering, graph: Any) -> Any:
        return tuple(change(unit) for unit in REAL["whole"](self, graph))

    return whole


def _none_is_last(self: Lowering, graph: Any) -> Any:
    return tuple(unit for unit in REAL["whole"](self, graph) if unit.id != ALL_DONE)


def _first_only(unit: Any) -> Any:
    return replace(unit, upstream=unit.upstream[:1])


def _ending_if_all_went_well(unit: Any) -> Any:
    return replace(unit, rule="none_failed")


def _one_place(unit: Any) -> Any:
    spread = isinstance(unit, Run) and isinstance(unit.at, Spread) and unit.at.known
    return replace(unit, at=replace(unit.at, known=unit.at.known[:1])) if spread else unit


def _side_by_side(self: Lowering, graph: Any, at: Any, tail: str, before: Any) -> Any:
    return REAL["graph"](self, graph, at, tail, () if tail else before)


def _nothing_behind_groups(self: Lowering, *given: Any) -> Any:
    REAL["group"](self, *given)
    return given[-1]


#: What each is, and the patch that makes it so.
MUTANTS: dict[str, tuple[Any, str, Any]] = {
    "has no last task": (Lowering, "whole", _none_is_last),
    "waits for one task of several": (Lowering, "whole", changed(_first_only)),
    "ends as if all went well": (Lowering, "whole", changed(_ending_if_all_went_well)),
    "runs a map at its first place": (Lowering, "whole", changed(_one_place)),
    "runs the rounds of a loop side by side": (Lowering, "graph", _side_by_side),
    "does not wait for what is in a group": (Lowering, "group", _nothing_behind_groups),
    "goes round once less": (lowering, "rounds_of", lambda *_: 1),
}


def programs() -> Iterator[Program]:
    yield from (make() for make in CASES.values())
    yield from (random_program(seed, 14 + seed % 30) for seed in range(60))


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught(name: str, tmp_path: Path) -> None:
    owner, attribute, broken = MUTANTS[name]
    with patch.object(owner, attribute, broken):
        assert any(
            is_caught(program, tmp_path / str(number)) for number, program in enumerate(programs())
        )


def is_caught(program: Program, folder: Path) -> bool:
    try:
        return bool(faults(program, folder, 0))
    except Exception:  # it reads what is not there yet
        return True
