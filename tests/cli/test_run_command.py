"""`kitchen run`: its lines, its exit codes, what it leaves behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kitchen.cli import progress
from kitchen.cli.run_report import read_curves, run_report
from kitchen.runtime.adapter import Adapter
from kitchen.runtime.events import Event, MetricsLogged
from kitchen.runtime.lock import locked
from tests.cli.conftest import RECIPES, Done, Kitchen
from tests.conftest import Golden


def steady(text: str, folder: Path) -> str:
    """The text of a run without its folder, its times, and what its arithmetic gave."""
    text = text.replace(str(folder), "RUN")
    text = re.sub(r"\d[\d,]* tokens/s", "N tokens/s", text)
    text = re.sub(r"\(\d+\.\d+ s\)", "(N s)", text)
    text = re.sub(r"(, \d+:\d+ left)", ", N left", text)
    text = re.sub(r"after (\d+\.\d+ s|\d+:\d+)", "after N s", text)
    text = re.sub(r"(?m)^\w+ \(N s\)\n", "", text)  # a stage that happened to take long
    text = re.sub(r"(?m)^    (before|after ) .*", r"    \1 ...", text)
    return re.sub(r"\d+\.\d+", "N", text)


def test_lines(kitchen: Kitchen, golden: Golden, tmp_path: Path) -> None:
    done = kitchen("run", "train.yaml", "--run-dir", tmp_path / "run")
    assert (done.code, done.err) == (0, "")
    assert steady(done.out, tmp_path / "run") == golden


def test_what_scripts_rely_on(kitchen: Kitchen, tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = kitchen("run", "train.yaml", "--run-dir", run, "--set", "turns=1", "--quiet")
    assert done == Done(0, "", "")
    plan = kitchen("compile", "train.yaml", "--set", "turns=1", "--format", "json").out
    assert (run / "plan.json").read_text() == plan
    assert (run / "weights").is_dir()
    assert sorted(path.name for path in (run / "samples").iterdir()) == [
        "after.json",
        "before.json",
    ]
    report = json.loads(kitchen("report", run, "--format", "json").out)
    assert (report["status"], report["steps"]) == ("done", 4)
    assert report["metrics"]["train/loss"]["step"] == 4
    assert report["paths"]["weights"] == str(run / "weights")


def test_runs_are_numbered(
    kitchen: Kitchen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Path("train.yaml").resolve()
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        assert kitchen("run", recipe, "--set", "turns=1", "--quiet").code == 0
        assert (tmp_path / "runs" / f"train-{number}" / "weights").is_dir()
    listed = kitchen("runs").out
    assert [line.split()[:2] for line in listed.splitlines()] == [
        ["runs/train-1", "done"],
        ["runs/train-2", "done"],
    ]


def test_dry_run_leaves_nothing(kitchen: Kitchen, tmp_path: Path) -> None:
    done = kitchen("run", "train.yaml", "--run-dir", tmp_path / "run", "--dry-run")
    assert done.code == 0
    assert done.out == f"train.yaml can run; it would do so in {tmp_path / 'run'}\n"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["faulty.yaml"],
        ["train.yaml", "--set", "dataset=nowhere.jsonl"],
        ["train.yaml", "--set", "dataset=empty.jsonl"],
        ["train.yaml", "--set", "turns=0"],
    ],
    ids=["recipe", "data", "empty", "setting"],
)
def test_bad_input_leaves_nothing(
    kitchen: Kitchen, tmp_path: Path, golden: Golden, arguments: list[str]
) -> None:
    done = kitchen("run", *arguments, "--run-dir", tmp_path / "run")
    assert (done.code, done.out) == (2, "")
    assert done.err == golden
    assert not (tmp_path / "run").exists()


def test_a_run_is_never_written_over(kitchen: Kitchen, tmp_path: Path, golden: Golden) -> None:
    run = tmp_path / "run"
    assert kitchen("run", "train.yaml", "--run-dir", run, "--quiet").code == 0
    before = (run / "status.json").read_bytes()
    again = kitchen("run", "train.yaml", "--run-dir", run)
    assert again.code == 2
    assert again.err.replace(str(run), "RUN") == golden
    assert (run / "status.json").read_bytes() == before


def test_failure_is_shown_at_its_step(kitchen: Kitchen, tmp_path: Path, golden: Golden) -> None:
    done = kitchen(
        "run", "train.yaml", "--run-dir", tmp_path / "run", "--no-probe",
        "--set", "dataset=broken.jsonl",
    )  # fmt: skip
    assert done.code == 3
    assert done.err == golden
    assert "Traceback" not in done.err
    assert kitchen("runs", tmp_path).out.split()[1] == "failed"


def test_traceback_for_developers(kitchen: Kitchen, tmp_path: Path) -> None:
    done = kitchen(
        "run", "train.yaml", "--run-dir", tmp_path / "run", "--no-probe", "--traceback",
        "--set", "dataset=broken.jsonl",
    )  # fmt: skip
    assert done.code == 3
    assert "Traceback (most recent call last)" in done.err


def at_step(wanted: int, do: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have something happen when a step's metrics are logged."""
    listen = progress.Progress.__call__

    def listening(self: progress.Progress, event: Event) -> None:
        listen(self, event)
        if isinstance(event, MetricsLogged) and event.step == wanted:
            do()

    monkeypatch.setattr(progress.Progress, "__call__", listening)


def test_stopped_and_resumed(
    kitchen: Kitchen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, whole = tmp_path / "run", tmp_path / "whole"
    assert kitchen("run", "train.yaml", "--run-dir", whole, "--quiet").code == 0
    with monkeypatch.context() as patch:
        at_step(3, lambda: os.kill(os.getpid(), signal.SIGTERM), patch)
        stopped = kitchen("run", "train.yaml", "--run-dir", run)
    assert stopped.code == 75
    assert "stopped after" in stopped.out
    assert f"kitchen run --resume {run}" in stopped.out
    assert kitchen("runs", tmp_path).out.splitlines()[0].split()[1] == "stopped"
    resumed = kitchen("run", "--resume", run)
    assert resumed.code == 0
    assert "done after" in resumed.out
    for path in (whole / "weights").iterdir():
        assert (run / "weights" / path.name).read_bytes() == path.read_bytes()
    again = kitchen("run", "--resume", run)
    assert (again.code, again.out) == (0, f"{run} is done; there is nothing to go on with\n")


def test_second_interrupt(
    kitchen: Kitchen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    at_step(2, twice, monkeypatch)
    done = kitchen("run", "train.yaml", "--run-dir", tmp_path / "run")
    assert done.code == 130
    assert "Traceback" not in done.err


def test_resume_refuses_another_plan(
    kitchen: Kitchen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("train.yaml", "train.template.yaml", "chat.jsonl"):
        (tmp_path / name).write_text(Path(name).read_text())
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        at_step(3, lambda: os.kill(os.getpid(), signal.SIGTERM), patch)
        assert kitchen("run", tmp_path / "train.yaml", "--run-dir", run, "--quiet").code in (0, 75)
        assert kitchen("run", tmp_path / "train.yaml", "--run-dir", tmp_path / "b").code == 75
    template = (tmp_path / "train.template.yaml").read_text()
    (tmp_path / "train.template.yaml").write_text(template.replace("0.1}", "0.2}"))
    done = kitchen("run", "--resume", tmp_path / "b")
    assert done.code == 2
    assert "has changed since the run began" in done.err


def test_a_run_that_another_process_writes(
    kitchen: Kitchen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    at_step(3, lambda: os.kill(os.getpid(), signal.SIGTERM), monkeypatch)
    assert kitchen("run", "train.yaml", "--run-dir", run).code == 75
    with locked(run / "LOCK"):
        done = kitchen("run", "--resume", run)
    assert done.code == 2
    assert "K705" in done.err
    assert "is in use by process" in done.err


def test_a_folder_that_cannot_be_made(kitchen: Kitchen, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = kitchen("run", "train.yaml", "--run-dir", tmp_path / "file" / "run")
    assert done.code in (2, 3)
    assert re.search(r"error\[K70[46]\]", done.err)
    assert "Traceback" not in done.err


def test_the_report_of_a_run_that_goes_on(
    kitchen: Kitchen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, seen = tmp_path / "run", []
    at_step(5, lambda: seen.append(run_report(run, read_curves(run))), monkeypatch)
    assert kitchen("run", "train.yaml", "--run-dir", run).code == 0
    (report,) = seen
    assert report["status"] == "running"
    assert report["checkpoints"]
    assert "weights" not in report["paths"]


def test_another_adapter_for_one_run(kitchen: Kitchen, tmp_path: Path) -> None:
    arguments = ("train.yaml", "--set", "adapters.metrics=noop", "--run-dir", tmp_path / "run")
    done = kitchen("run", *arguments)
    assert done.code == 0
    assert not (tmp_path / "run" / "metrics").exists()
    assert kitchen("report", tmp_path / "run").code == 0


def test_an_adapter_whose_package_is_missing(
    kitchen: Kitchen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    def bind(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(Adapter, "bind", bind)
    for arguments in ([], ["--no-probe"], ["--dry-run"]):
        done = kitchen("run", "train.yaml", "--run-dir", tmp_path / "run", *arguments)
        assert done.code == 2
        assert "the package `torch` is not installed" in done.err
        assert not (tmp_path / "run").exists()
    probed = kitchen("compile", "train.yaml", "--probe")
    assert (probed.code, probed.out) == (2, "")
    assert probed.err == golden


def test_a_reader_that_goes_away_does_not_end_a_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = f"{sys.executable} -m kitchen run train.yaml --run-dir {run} --no-probe | head -1"
    environment = os.environ | {"KITCHEN_CACHE": str(tmp_path)}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=RECIPES, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"train in {run}\n"
    assert (run / "weights").is_dir()


def test_closed_streams(tmp_path: Path) -> None:
    for command in ("compile train.yaml", "run", "explain K202"):
        closed = f"{sys.executable} -m kitchen {command} >&- 2>&-"
        done = subprocess.run(["bash", "-c", closed], cwd=RECIPES, check=False)
        assert done.returncode == (2 if command == "run" else 0)
