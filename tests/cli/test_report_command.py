"""`kitchen report` and `kitchen runs`: whatever lies in a run's folder, they say what they can."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Kitchen, undigested
from tests.conftest import Golden


@pytest.fixture
def run(kitchen: Kitchen, tmp_path: Path) -> Path:
    path = tmp_path / "run"
    assert kitchen("run", "train.yaml", "--run-dir", path, "--quiet").code == 0
    return path


def test_text(kitchen: Kitchen, golden: Golden, run: Path) -> None:
    text = kitchen("report", run).out.replace(str(run), "RUN")
    text = re.sub(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", "DATE", text)
    text = re.sub(r"worked  .*", "worked  N s", text)
    text = re.sub(r"[▁-█]+ +(.*)", "CURVE  ...", text)
    text = re.sub(r"(?m)^    (before|after ) .*", r"    \1 ...", text)
    text = re.sub(r"(?s)time by step\n.*?\n\n", "time by step\n  ...\n\n", text)
    assert undigested(text) == golden


def test_json(kitchen: Kitchen, run: Path) -> None:
    report = json.loads(kitchen("report", run, "--format", "json").out)
    assert report["version"] == 1
    assert report["samples"].keys() == {"before", "after"}
    assert report["stages"]["forward_backward"]["count"] == 8
    assert report["metrics"]["eval/loss"]["lowest"] <= report["metrics"]["eval/loss"]["first"]
    assert report["checkpoints"]
    assert report["seconds"] > 0


def _drop(name: str) -> Callable[[Path], None]:
    return lambda run: shutil.rmtree(run / name) if (run / name).is_dir() else (run / name).unlink()


def _overwrite(name: str, data: bytes) -> Callable[[Path], None]:
    return lambda run: (run / name).write_bytes(data) and None


DAMAGE = {
    "no_status": _drop("status.json"),
    "no_metrics": _drop("metrics"),
    "no_plan": _drop("plan.json"),
    "no_journal": _drop("journal.jsonl"),
    "torn_status": _overwrite("status.json", b'{"state": "don'),
    "wrong_status": _overwrite("status.json", b'{"state": 3}'),
    "binary_run": _overwrite("run.json", b"\x00\xff" * 100),
    "torn_journal": _overwrite("journal.jsonl", b'{"event": "run sta\n[1]\n"x"\n\xff\n'),
    "hostile_recipe": _overwrite("run.json", b'{"recipe": "\\u001b[2J", "path": 3}'),
    "torn_metrics": _overwrite("metrics/part-00000.parquet", b"PAR1"),
    "wrong_plan": _overwrite("plan.json", b"[]"),
    "wrong_samples": _overwrite("samples/before.json", b'{"step": 1, "rows": [3, {}]}'),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged(kitchen: Kitchen, run: Path, damage: str) -> None:
    DAMAGE[damage](run)
    for arguments in (["report", run], ["report", run, "--format", "json"], ["runs", run.parent]):
        done = kitchen(*arguments)
        assert (done.code, done.err) == (0, "")
        assert "\x1b" not in done.out
    assert json.loads(kitchen("report", run, "--format", "json").out)["version"] == 1


def test_no_runs(kitchen: Kitchen, tmp_path: Path) -> None:
    assert kitchen("runs", tmp_path / "nowhere").out.startswith("no runs under ")
