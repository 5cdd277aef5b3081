"""Recipes in tasks end with the bytes of one process: stopped, killed anywhere, or left alone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from kitchen.runtime.arrow import read_metrics
from kitchen.runtime.tasks.overview import task_states
from tests.architecture import ROOT
from tests.recipes.test_rlhf import SHORT, shipped
from tests.runtime.kill import Runs
from tests.runtime.test_resume import write_recipes
from tests.targets.in_tasks import plan_of

pytestmark = pytest.mark.slow

KILLED, DONE, STOPPED, INTERRUPTED = -9, 0, 75, 130
#: What says how a run went, and not what it made.
RECORDS = {"tasks", "metrics", "checkpoints", "LOCK", "run.json", "plan.json", "recipe.yaml"}
RECORDS |= {"journal.jsonl", "status.json", "MANIFEST.json"}

REINFORCEMENT = """kitchen: 1
recipe: test
workflow: reinforcement
params:
  model: nano
  problems: 4
  group_size: 4
  iterations: 3
  max_tokens: 2
  learning_rate: 1e-3
  eval_problems: 4
adapters:
  training: torch
  sampling: torch
  environment: {use: addition, digits: 1}
  metrics: parquet
"""


def outcome(run: Path) -> dict[str, object]:
    """All that a run made, but for times: bytes of files by path, and the metrics in order."""
    made: dict[str, object] = {
        path.relative_to(run).as_posix(): path.read_bytes()
        for path in sorted(run.rglob("*"))
        if path.is_file() and path.relative_to(run).parts[0] not in RECORDS
    }
    made["metrics"] = [
        (metric.step, metric.name, metric.value)
        for path in sorted((run / "metrics").rglob("*.parquet"))
        for metric in read_metrics(path)
    ]
    return made


def command(folder: Path, *words: str | Path) -> subprocess.Popen[str]:
    """`kitchen` in a process of its own."""
    environment = {"KITCHEN_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "kitchen", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(recipe: Path, name: str, *words: str, **settings: object) -> Path:
    """Run a recipe to its end; gives the folder of the run."""
    folder = recipe.parent / name
    sets = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    process = command(recipe.parent, "run", recipe, "--run-dir", folder, *sets, *words)
    said, _ = process.communicate()
    assert process.returncode == DONE, said
    return folder


def supervised(folder: Path, adapter: str = "torch") -> Path:
    folder.mkdir(exist_ok=True)
    write_recipes(folder)
    return folder / f"{adapter}.yaml"


def reinforcement(folder: Path) -> Path:
    (folder / "recipe.yaml").write_text(REINFORCEMENT)
    return folder / "recipe.yaml"


@pytest.mark.parametrize(
    ("write", "settings"),
    [(supervised, {}), (reinforcement, {}), (shipped, SHORT)],
    ids=["supervised", "reinforcement", "rlhf"],
)
def test_tasks_end_with_the_bytes_of_one_process(
    write: object, settings: Mapping[str, object], tmp_path: Path
) -> None:
    assert callable(write)
    recipe = write(tmp_path)
    whole = outcome(run(recipe, "whole", **settings))
    tasks = outcome(run(recipe, "tasks", "--tasks", **settings))
    assert whole["metrics"]
    assert {name for name in whole if tasks.get(name) != whole[name]} == set()
    assert tasks.keys() == whole.keys()


# -------------------------------------------------------------------------------- stopped, killed


def until(reached: object, process: subprocess.Popen[str]) -> None:
    """Wait for something to be so in the folder of a run that is going on."""
    assert callable(reached)
    while not reached():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)


def at_work(folder: Path) -> bool:
    """Whether the training has taken some steps."""
    states = {state.key: state for state in task_states(folder)}
    session = states.get("session")
    return session is not None and session.state == "running" and bool(_checkpoints(folder))


def _checkpoints(folder: Path) -> list[Path]:
    return list((folder / "tasks/session/checkpoints").glob("0*"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a run in tasks makes that nothing disturbs."""
    recipe = supervised(tmp_path_factory.mktemp("whole"))
    return outcome(run(recipe, "run", "--tasks", epochs=12))


@pytest.mark.parametrize(
    ("signals", "code"),
    [
        ([signal.SIGTERM], STOPPED),
        ([signal.SIGINT], STOPPED),
        ([signal.SIGINT, signal.SIGINT], INTERRUPTED),
        ([signal.SIGKILL], KILLED),
    ],
)
def test_what_is_stopped_goes_on(
    signals: list[signal.Signals], code: int, whole: dict[str, object], tmp_path: Path
) -> None:
    recipe, folder = supervised(tmp_path), tmp_path / "stopped"
    words = ("run", recipe, "--tasks", "--run-dir", folder, "--set", "epochs=12")
    process = command(tmp_path, *words)
    until(lambda: at_work(folder), process)
    for number in signals:
        process.send_signal(number)
        time.sleep(0.02)  # two at the same time are one
    said, _ = process.communicate()
    assert process.returncode == code, said
    if code == KILLED:  # its tasks outlive it, and are not disturbed
        refused = command(tmp_path, "run", "--resume", folder)
        said, _ = refused.communicate()
        assert refused.returncode == DONE or "is in use by a task of an earlier process" in said
    while any(state.state == "running" for state in task_states(folder)):
        time.sleep(0.05)
    if code == STOPPED:
        assert {state.state for state in task_states(folder)} == {"done", "stopped"}
    again = command(tmp_path, "run", "--resume", folder)
    said, _ = again.communicate()
    assert again.returncode == DONE, said
    assert outcome(folder) == whole


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("runs")
    supervised(folder, "noop")
    (folder / "plan.json").write_bytes(plan_of(folder / "noop.yaml"))
    with Runs(folder) as runs:
        yield runs


def names(folder: Path) -> list[str]:
    plan = json.loads((folder / "plan.json").read_text())
    return [node["task"] for node in plan["tasks"]["nodes"]]


def task(runs: Runs, name: str, folder: Path, at: str | None = None) -> int:
    plan = str(runs.folder / "plan.json")
    return runs.run_and_kill(["task", plan, name, "--run", str(folder), "--quiet"], at=at)


def test_a_task_killed_at_any_call_to_the_disk_ends_the_same(runs: Runs) -> None:
    """Each task in turn is killed at some of its calls, goes on, and ends as if it never was."""
    whole = runs.folder / "whole"
    for name in names(runs.folder):
        before = runs.folder / f"before-{name}"
        if whole.exists():
            shutil.copytree(whole, before)
        assert task(runs, name, whole) == DONE, runs.output
        at, code = 1, KILLED
        while code == KILLED:
            folder = runs.folder / "killed"
            shutil.rmtree(folder, ignore_errors=True)
            if before.exists():
                shutil.copytree(before, folder)
            code = task(runs, name, folder, at=f"disk {at}")
            assert code in (KILLED, DONE), runs.output
            assert task(runs, name, folder) == DONE, f"{name} at {at}: {runs.output}"
            assert outcome(folder) == outcome(whole), f"{name} at {at}"
            left = [path for path in folder.rglob(".*") if "tasks" not in path.parts]
            assert left == [], f"{name} at {at}"
            at += 41 if name == "session" else 13
        assert at > 20


@pytest.mark.parametrize(
    "point",
    ["after optim_step 5", "before save_weights 1", "after close_session 1", "commit 2 7"],
)
def test_a_task_killed_at_a_step_goes_on_from_its_checkpoint(runs: Runs, point: str) -> None:
    whole, folder = runs.folder / "straight", runs.folder / point.replace(" ", "-")
    for name in names(runs.folder):
        assert task(runs, name, whole) == DONE, runs.output
        if name == "session":
            assert task(runs, name, folder, at=point) == KILLED
        assert task(runs, name, folder) == DONE, runs.output
    assert outcome(folder) == outcome(whole)
    journal = (folder / "tasks/session/journal.jsonl").read_text()
    assert '"resumed": true' in journal
