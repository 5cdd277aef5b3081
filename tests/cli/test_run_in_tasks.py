"""`kitchen run --tasks`: its lines, what it leaves, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kitchen.runtime.lock import locked
from kitchen.runtime.run_directory import list_runs
from tests.cli.conftest import RECIPES, Kitchen
from tests.cli.test_run_command import steady
from tests.conftest import Golden


def begin(kitchen: Kitchen, run: Path, *words: str) -> None:
    assert kitchen("run", "train.yaml", "--run-dir", run, "--quiet", *words).code == 0


def test_lines_and_reports(kitchen: Kitchen, golden: Golden, tmp_path: Path) -> None:
    """One run for all that is said of it: its processes take long to start."""
    run = tmp_path / "run"
    words = ("train.yaml", "--tasks", "--parallel", "1", "--run-dir", run)
    done = kitchen("run", *words)
    assert (done.code, done.err) == (0, "")
    said = re.sub(r"(done), \d+\.\d s", r"\1, N s", done.out)
    said = re.sub(r"(?m)^\w+: \w+ \(\d+\.\d+ s\)\n", "", said)  # one that happened to take long
    assert steady(said, run) == golden(name="lines")
    report = json.loads(kitchen("report", run, "--format", "json").out)
    assert report["status"] == "done"
    assert report["steps"] == 8
    assert [(task["task"], task["status"]) for task in report["tasks"]] == [
        ("load_dataset", "done"),
        ("tokenize", "done"),
        ("session", "done"),
    ]
    assert report["metrics"]["train/loss"]["step"] == 8
    assert report["stages"]["forward_backward"]["count"] == 8
    (summary,) = list_runs(tmp_path)[:1]
    assert (summary.state, summary.recipe) == ("done", "train")
    again = kitchen("run", "--resume", run)
    assert (again.code, again.out) == (0, f"{run} is done; there is nothing to go on with\n")


def test_a_step_that_fails_is_told_once(kitchen: Kitchen, golden: Golden, tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = kitchen(
        "run", "train.yaml", "--tasks", "--run-dir", run, "--quiet", "--no-probe",
        "--set", "dataset=broken.jsonl",
    )  # fmt: skip
    assert done.code == 3
    assert done.err.replace(str(tmp_path), "FOLDER") == golden
    report = json.loads(kitchen("report", run, "--format", "json").out)
    assert report["status"] == "failed"
    assert "column 1 is not JSON" in report["error"]


def test_tasks_of_an_earlier_process_are_left_alone(kitchen: Kitchen, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ("run", "train.yaml", "--tasks", "--run-dir", run, "--no-probe", "--quiet")
    assert kitchen(*words, "--set", "dataset=broken.jsonl").code == 3
    with locked(run / "tasks/load_dataset/LOCK"):
        done = kitchen("run", "--resume", run)
    assert done.code == 2
    assert "is in use by a task of an earlier process" in done.err


@pytest.mark.parametrize("tasks", [[], ["--tasks"]])
def test_that_nobody_reads_is_no_reason_to_stop(tasks: list[str], tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "kitchen", "run", "train.yaml", "--run-dir", str(run), *tasks],
        cwd=RECIPES,
        env=os.environ | {"KITCHEN_CACHE": str(tmp_path / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate()
    assert (process.returncode, errors) == (0, b"")
    (summary,) = list_runs(tmp_path)
    assert summary.state == "done"


def test_dry_run(kitchen: Kitchen, tmp_path: Path) -> None:
    done = kitchen("run", "train.yaml", "--tasks", "--dry-run", "--run-dir", tmp_path / "run")
    assert (done.code, done.out) == (0, f"train.yaml can run; it would do so in {tmp_path}/run\n")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("words", [["--parallel", "2"], ["--parallel", "0", "--tasks"]])
def test_what_is_no_number_of_tasks(kitchen: Kitchen, words: list[str]) -> None:
    done = kitchen("run", "train.yaml", *words)
    assert done.code == 2
    assert "K093" in done.err


def test_a_run_of_one_process_stays_one(kitchen: Kitchen, tmp_path: Path) -> None:
    run = tmp_path / "run"
    begin(kitchen, run)
    (run / "status.json").unlink()
    done = kitchen("run", "--resume", run, "--tasks")
    assert done.code == 2
    assert "was begun in one process, and goes on in one" in done.err
