"""The recipes of constructs, in tasks: in this process, and each task in one of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kitchen.runtime import store
from tests.architecture import ROOT
from tests.runtime.faulty_disk import UNFORCED
from tests.targets.by_decisions import ByDecisions
from tests.targets.cases import CASES, Case, environment
from tests.targets.in_tasks import in_process, write_plan


def kept(run: Path, case: Case) -> dict[str, object]:
    return {name: json.loads((run / name).read_text()) for name in case.keeps}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_a_recipe_keeps_in_tasks(
    case: Case, pantry: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "system", UNFORCED)
    run = in_process(case, tmp_path)
    assert run.run() == (0 if case.fails is None else 3)
    assert kept(tmp_path, case) == case.keeps


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_a_recipe_keeps_in_processes(case: Case, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kitchen", "run", str(case.path), *case.words, "--tasks"]
    done = subprocess.run(
        [*command, "--run-dir", str(tmp_path / "run"), "--quiet"],
        cwd=ROOT,
        env=environment() | {"KITCHEN_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == (0 if case.fails is None else 3), done.stderr
    assert kept(tmp_path / "run", case) == case.keeps
    if case.fails is not None:
        assert f"`{case.fails}` failed" in done.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_a_recipe_keeps_as_an_engine_runs_it(
    case: Case, pantry: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Order, booleans and lists of places are all that it goes by."""
    monkeypatch.setattr(store, "system", UNFORCED)
    monkeypatch.setenv("KITCHEN_CACHE", str(tmp_path / "cache"))
    run = ByDecisions(write_plan(case, tmp_path), tmp_path / "run")
    code = run.go()
    while code == 3 and case.fails is None:  # as an engine tries again
        code = run.go()
    assert code == (0 if case.fails is None else 3)
    assert kept(tmp_path / "run", case) == case.keeps
