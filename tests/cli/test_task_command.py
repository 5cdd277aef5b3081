"""`kitchen task`: what it says, its exit codes, and every fault as a diagnostic."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from kitchen.runtime.lock import locked
from kitchen.runtime.run_directory import list_runs
from tests.cli.conftest import RECIPES, Done, Kitchen
from tests.cli.test_run_command import steady
from tests.conftest import Golden
from tests.targets.in_tasks import plan_of

FIRST = "load_dataset"


@pytest.fixture
def plan(kitchen: Kitchen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The plan of `train.yaml`, in the folder that we are in."""
    monkeypatch.chdir(tmp_path)
    path = Path("plan.json")
    path.write_bytes(plan_of(RECIPES / "train.yaml"))
    return path


@pytest.fixture
def task(kitchen: Kitchen, plan: Path) -> Callable[..., Done]:
    """One task of the plan, in the folder of one run."""

    def run(*words: str | Path) -> Done:
        return kitchen("task", plan, *words, "--run", "run")

    return run


def test_lines(task: Callable[..., Done], golden: Golden, tmp_path: Path) -> None:
    tasks = json.loads((tmp_path / "plan.json").read_text())["tasks"]["nodes"]
    done = [task(node["task"]) for node in tasks]
    assert [one.code for one in done] == [0] * len(tasks)
    said = "".join(one.out for one in done)
    assert steady(said, tmp_path) == golden
    assert "".join(one.err for one in done) == ""


def test_a_run_of_tasks_is_reported_as_one(
    task: Callable[..., Done], kitchen: Kitchen, tmp_path: Path
) -> None:
    """Nobody but the tasks says how it goes: it is done when all of them are."""
    states = []
    for name in ("load_dataset", "tokenize", "session"):
        assert task(name).code == 0
        report = json.loads(kitchen("report", "run", "--format", "json").out)
        states.append((report["status"], report["steps"], len(report["tasks"])))
    assert states == [("stopped", 0, 1), ("stopped", 0, 2), ("done", 8, 3)]
    assert [summary.state for summary in list_runs(tmp_path)] == ["done"]


def test_what_is_done_is_not_run_again(task: Callable[..., Done], tmp_path: Path) -> None:
    assert task(FIRST).code == 0
    journal = tmp_path / "run/tasks" / FIRST / "journal.jsonl"
    before = journal.read_bytes()
    assert task(FIRST).code == 0
    assert journal.read_bytes() == before


def test_the_folder_of_a_run_says_what_it_is(task: Callable[..., Done], tmp_path: Path) -> None:
    assert task(FIRST).code == 0
    run = tmp_path / "run"
    assert (run / "plan.json").read_bytes() == (tmp_path / "plan.json").read_bytes()
    assert (run / "recipe.yaml").read_text() == (RECIPES / "train.yaml").read_text()
    record = json.loads((run / "run.json").read_text())
    assert (record["recipe"], record["tasks"]) == ("train", True)


def test_a_uri_of_a_file_is_a_path(kitchen: Kitchen, plan: Path, tmp_path: Path) -> None:
    run = tmp_path / "a run"
    assert kitchen("task", plan, FIRST, "--run", f"file://{tmp_path}/a%20run").code == 0
    assert (run / "run.json").is_file()


def test_data_may_lie_elsewhere(kitchen: Kitchen, plan: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    words = ("task", plan, FIRST, "--run", tmp_path / "run", "--base", elsewhere)
    assert kitchen(*words).code == 3
    assert (tmp_path / "run/tasks" / FIRST / "failed.json").is_file()
    (elsewhere / "chat.jsonl").write_text((RECIPES / "chat.jsonl").read_text())
    assert kitchen(*words).code == 0
    assert not (tmp_path / "run/tasks" / FIRST / "failed.json").exists()


def test_who_finds_a_task_in_use_may_come_again(task: Callable[..., Done], tmp_path: Path) -> None:
    folder = tmp_path / "run/tasks" / FIRST
    folder.mkdir(parents=True)
    with locked(folder / "LOCK"):
        done = task(FIRST)
    assert done.code == 75
    assert "K705" in done.err


def damaged(plan: Path) -> None:
    plan.write_text(plan.read_text().replace('"batch_size"', '"match_size"'))


def of_another_version(plan: Path) -> None:
    content = json.loads(plan.read_text())
    plan.write_text(json.dumps({**content, "version": 99}))


def as_it_is(plan: Path) -> None:
    pass


FAULTS: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "no_file": (Path.unlink, (FIRST, "--run", "run")),
    "no_plan": (lambda plan: plan.write_text("kitchen: 1\n"), (FIRST, "--run", "run")),
    "another_version": (of_another_version, (FIRST, "--run", "run")),
    "damaged": (damaged, (FIRST, "--run", "run")),
    "no_such_task": (as_it_is, ("load_datset", "--run", "run")),
    "no_run": (as_it_is, (FIRST,)),
    "no_place": (as_it_is, (FIRST, "--run", "run", "--at", "first")),
    "too_many_places": (as_it_is, (FIRST, "--run", "run", "--at", "0.1")),
    "a_list_of_a_task": (as_it_is, (FIRST, "--run", "run", "--every")),
    "another_store": (as_it_is, (FIRST, "--run", "s3://bucket/run")),
    "another_host": (as_it_is, (FIRST, "--run", "file://host/run")),
    "too_early": (as_it_is, ("session", "--run", "run", "--quiet")),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(name: str, kitchen: Kitchen, plan: Path, golden: Golden) -> None:
    make, words = FAULTS[name]
    make(plan)
    done = kitchen("task", plan, *words)
    assert (done.code, done.out) == (2, "")
    assert done.err == golden("txt", name=name)


def test_a_folder_is_of_one_plan(task: Callable[..., Done], plan: Path, golden: Golden) -> None:
    assert task(FIRST).code == 0
    plan.write_bytes(plan_of(RECIPES / "train.yaml", {"turns": 3}))
    done = task(FIRST)
    assert done.code == 2
    assert done.err == golden


def test_a_step_that_fails(kitchen: Kitchen, plan: Path, golden: Golden, tmp_path: Path) -> None:
    plan.write_bytes(plan_of(RECIPES / "train.yaml", {"dataset": "broken.jsonl"}))
    done = kitchen("task", plan, FIRST, "--run", "run", "--quiet")
    assert done.code == 3
    assert done.err == golden
    failed = json.loads((tmp_path / "run/tasks" / FIRST / "failed.json").read_text())
    assert failed["stage"] in done.err
