"""Random programs in tasks make and write what the interpreter does, killed anywhere or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitchen.ir.program import Program
from kitchen.runtime import store
from tests.compiler.partition_cases import BUSY, CASES
from tests.compiler.random_programs import random_program
from tests.compiler.test_laws import pipeline
from tests.compiler.toy_stages import REGISTRY
from tests.runtime.faulty_disk import UNFORCED
from tests.runtime.tasks.toys import FAILED, InProcess, interpreted, plan_of


@pytest.fixture(autouse=True)
def unforced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "system", UNFORCED)


def faults(program: Program, folder: Path, seed: int, *, kill: float = 0.0) -> list[str]:
    """How a program in tasks differs from one that is interpreted."""
    environment, written, fault = interpreted(program)
    run = InProcess(plan_of(program, BUSY), folder, seed=seed, kill=kill)
    code = run.run()
    if fault is not None:
        return [] if code == FAILED else [f"gives {code}, and the interpreter says {fault}"]
    if code != 0:
        return [f"gives {code}"]
    found = [] if run.written == written else [f"writes {run.written}, not {written}"]
    made = {value: held for value, held in run.made().items() if value in environment}
    found += [
        f"{value} is {held!r}, not {environment[value]!r}"
        for value, held in made.items()
        if repr(held) != repr(environment[value])  # another test may have a class of that name
    ]
    before = run.launched.total()
    again = run.run()
    ran = run.launched.total() - before
    endings = sum(task.runs.value == "always" for task in run.plan.graph.tasks())
    if again != 0 or ran != endings or run.written != written:
        found.append(f"run again, {ran} tasks were launched, and it gave {again}")
    return found


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str, tmp_path: Path) -> None:
    assert faults(CASES[name](), tmp_path, 0) == []


@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed: int, tmp_path: Path) -> None:
    program = random_program(seed, 14 + seed % 30)
    assert faults(program, tmp_path / "as-is", seed) == []
    assert faults(pipeline(program, REGISTRY), tmp_path / "rewritten", seed) == []


@pytest.mark.parametrize("seed", range(20))
def test_killed_anywhere(seed: int, tmp_path: Path) -> None:
    program = random_program(1000 + seed, 16)
    assert faults(program, tmp_path, seed, kill=0.7) == []
