"""The recipes of constructs, in tasks: in this process, and each task in one of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kitchen.runtime import store
from kitchen.runtime.tasks.decisions import everywhere
from kitchen.runtime.tasks.outcomes import TaskError
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


# --------------------------------------------------------------------------------- one construct


def case(recipe: str, **settings: object) -> Case:
    return next(each for each in CASES if each.recipe == recipe and each.settings == settings)


def test_a_loop_is_over_after_until(pantry: None, tmp_path: Path) -> None:
    """What comes after the last iteration is not to be run, whoever asks."""
    run = in_process(case("until_loop"), tmp_path)
    assert run.run() == 0
    layout = run.instances().layout
    ran = sorted(key for key in run.launched if key.startswith("double@"))
    following = len(ran)
    assert run.go("double", (following - 1,)) == 0
    assert run.go("double", (following,)) == 99
    assert run.go("double", (10**6,)) == 99
    values = run.instances().values
    refusal = values.refusal(layout.by_name["double"], (following,))
    assert refusal == "`turn` ended before that iteration"


def test_the_places_of_a_map_within_a_map(pantry: None, tmp_path: Path) -> None:
    run = in_process(case("nested_maps"), tmp_path)
    assert run.run() == 0
    instances = run.instances()
    told = everywhere(instances.layout.by_name["name"], instances.values)
    ran = [key.removeprefix("weigh@") for key in run.launched if key.startswith("weigh@")]
    assert told["name"] == sorted(ran)
    assert (told["name.any"], told["name.first"]) == (True, told["name"][0])


def test_a_branch_has_no_list_of_places(pantry: None, tmp_path: Path) -> None:
    instances = in_process(case("condition_in_a_map"), tmp_path).instances()
    with pytest.raises(TaskError, match="is a branch, which has no list"):
        everywhere(instances.layout.by_name["if"], instances.values)


def test_what_cannot_travel_is_told(pantry: None, tmp_path: Path) -> None:
    run = in_process(case("map"), tmp_path)
    value = run.instances().layout.by_name["words"].node.outputs[0]
    with pytest.raises(TaskError, match="is a object, which cannot travel") as caught:
        run.instances().outcomes.commit("words", (), {value: object()})
    assert caught.value.code == "K509"
    assert not run.instances().outcomes.is_done("words", ())


def test_a_damaged_outcome_is_told(pantry: None, tmp_path: Path) -> None:
    run = in_process(case("map"), tmp_path)
    assert run.go("words", ()) == 0
    path = tmp_path / "tasks/words/outcome/values.json"
    path.write_text(path.read_text().replace("fig", "gif"))
    with pytest.raises(store.StorageError, match="is not as it was written"):
        run.go("weigh", (0,))
