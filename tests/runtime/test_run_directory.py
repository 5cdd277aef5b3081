"""The folder of a run: it appears whole, goes on, and can always be listed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kitchen.runtime import provenance, store
from kitchen.runtime.lock import LockHeld
from kitchen.runtime.provenance import check_resume
from kitchen.runtime.run_directory import RunDirectory, RunError, list_runs
from kitchen.runtime.status import Status
from tests.runtime.scenarios import flip_bit

FILES = {"run.json": b'{"recipe": "sft", "digest": "d1"}', "recipe.yaml": b"kitchen: 1\n"}


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(tmp_path / "run", FILES)


def writes(text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "state").write_text(text)

    return write


def indices(run: RunDirectory) -> list[str]:
    return sorted(path.name for path in run.checkpoints.iterdir())


# ------------------------------------------------------------------------------ begin and go on


def test_a_run_appears_with_all_its_files(run: RunDirectory) -> None:
    assert {path.name for path in run.path.iterdir()} == {*FILES, "MANIFEST.json"}
    assert RunDirectory.open(run.path).record() == {"recipe": "sft", "digest": "d1"}


def test_a_run_may_begin_in_an_empty_folder(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path, FILES)
    assert (tmp_path / "recipe.yaml").exists()


def test_a_run_is_never_begun_over_another(run: RunDirectory) -> None:
    with pytest.raises(RunError, match="already holds a run") as caught:
        RunDirectory.create(run.path, {"run.json": b"{}"})
    assert f"--resume {run.path}" in caught.value.help
    assert run.record()["recipe"] == "sft"


@pytest.mark.parametrize("name", ["full", "file"])
def test_a_run_is_never_begun_over_anything(name: str, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter.txt").write_text("dear")
    (tmp_path / "file").touch()
    with pytest.raises(store.StorageError, match="file exists"):
        RunDirectory.create(tmp_path / name, FILES)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "full", "letter.txt"]


def test_nothing_partial_is_left(tmp_path: Path) -> None:
    with pytest.raises(store.StorageError):
        RunDirectory.create(tmp_path / "run", {"run.json": b"{}", "no/such/folder": b""})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["nothing", "empty", "file"])
def test_what_is_no_run_is_not_opened(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"has no readable `run\.json`"):
        RunDirectory.open(tmp_path / name)


def test_a_changed_plan_is_refused(run: RunDirectory) -> None:
    with pytest.raises(RunError, match=r"the plan of `.*` has changed"):
        check_resume(run, plan_digest="d2")


def test_what_else_changed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MKL_CBWR", raising=False)
    about = provenance.provenance()
    record = {"digest": "d1", **about}
    run = RunDirectory.create(tmp_path / "run", {"run.json": json.dumps(record).encode()})
    assert check_resume(run, plan_digest="d1") == []
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    versions = dict(about["versions"], pydantic="0.0.1")
    monkeypatch.setattr(provenance, "_installed", lambda: versions)
    assert check_resume(run, plan_digest="d1") == [
        f"pydantic was {about['versions']['pydantic']} and is 0.0.1: "
        "the rest of the run may differ in the last bits",
        "MKL_CBWR was not set and is COMPATIBLE: the rest of the run may differ in the last bits",
    ]


# --------------------------------------------------------------------------------- checkpoints


def test_there_is_no_checkpoint_at_first(run: RunDirectory) -> None:
    assert run.latest_checkpoint(pytest.fail) is None


def test_the_newest_checkpoint_is_found(run: RunDirectory) -> None:
    run.commit_checkpoint(9, writes("nine"))
    run.commit_checkpoint(10, writes("ten"))
    latest = run.latest_checkpoint(pytest.fail)
    assert latest is not None
    assert (latest.index, (latest.path / "state").read_text()) == (10, "ten")


def test_two_good_checkpoints_stay(run: RunDirectory) -> None:
    for index in range(1, 6):
        run.commit_checkpoint(index, writes("x"), keep=1)
    assert indices(run) == ["00000004", "00000005"]
    run.commit_checkpoint(6, writes("x"), keep=3)
    assert indices(run) == ["00000004", "00000005", "00000006"]
    (run.checkpoints / "00000006/state").unlink()
    run.commit_checkpoint(7, writes("x"))
    assert indices(run) == ["00000005", "00000006", "00000007"]


def test_a_bad_checkpoint_is_reported_and_kept(run: RunDirectory) -> None:
    for index in (1, 2):
        run.commit_checkpoint(index, writes("state"))
    flip_bit(run.checkpoints / "00000002/state")
    reports: list[str] = []
    latest = run.latest_checkpoint(reports.append)
    assert latest is not None
    assert latest.index == 1
    assert reports == [
        f"checkpoint 2 is passed over: `{run.checkpoints}/00000002/state` "
        "does not hold the bytes that were written"
    ]
    run.commit_checkpoint(2, writes("again"))
    again = run.latest_checkpoint(pytest.fail)
    assert again is not None
    assert (again.path / "state").read_text() == "again"
    [damaged] = run.checkpoints.glob("damaged-00000002-*")
    assert (damaged / "state").exists()


def test_room_for_a_checkpoint_is_asked_for(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.commit_checkpoint(1, writes("x" * 1000))
    usage = shutil.disk_usage(run.path)._replace(free=1199)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(store.StorageError, match="of free space"):
        run.commit_checkpoint(2, writes("x"))
    assert indices(run) == ["00000001"]


# ------------------------------------------------------------------------------ status, journal


def test_status_comes_back(run: RunDirectory) -> None:
    assert run.status() is None
    run.write_status(Status(state="running", step=3, total_steps=10, started=1.0))
    status = run.status()
    assert status is not None
    assert (status.state, status.step, status.total_steps) == ("running", 3, 10)


def test_a_torn_journal_is_read(run: RunDirectory) -> None:
    assert not list(run.journal())
    run.append_journal({"event": "one"})
    with (run.path / "journal.jsonl").open("ab") as file:
        file.write(b'{"event": "tw\x00\x00\xff')
    run.append_journal({"event": "three"})
    assert [line["event"] for line in run.journal()] == ["one", "three"]


def test_the_state_of_a_run_is_told(run: RunDirectory) -> None:
    run.write_status(Status(state="running"))
    assert run.summary().state == "killed"
    with run.lock():
        assert run.summary().state == "running"
    run.write_status(Status(state="done"))
    assert run.summary().state == "done"


def test_taking_the_lock_tidies(run: RunDirectory) -> None:
    for name in (".tmp-weights-1-a", "checkpoints/.trash-00000001-1-a", "samples/.tmp-x-1-a"):
        (run.path / name).mkdir(parents=True)
    with run.lock():
        assert not list(run.path.rglob(".t*"))


def test_one_writer_at_a_time(run: RunDirectory) -> None:
    with run.lock():
        with pytest.raises(LockHeld, match=f"is in use by process {os.getpid()} on "):
            RunDirectory.open(run.path).lock().__enter__()
        (run.path / ".tmp-status.json-1-a").touch()
    with run.lock():
        assert not (run.path / ".tmp-status.json-1-a").exists()


GOOD = {
    "state": "done",
    "step": 1,
    "total_steps": 2,
    "checkpoint": None,
    "started": 1.0,
    "updated": 2,
    "error": None,
}


def becomes_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def becomes_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def becomes_a_link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def becomes(data: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(data)

    return write


def says(key: str, value: object) -> Callable[[Path], None]:
    return becomes(json.dumps({**GOOD, key: value}).encode())


#: What may lie in a folder of runs: a file, what became of it, and what a list says of the run.
POISONED: list[tuple[str, str, Callable[[Path], None]]] = [
    ("run.json", "unreadable", becomes_folder),
    ("run.json", "unreadable", becomes_pipe),
    ("run.json", "unreadable", becomes_a_link_to_itself),
    ("run.json", "unreadable", becomes(b"")),
    ("run.json", "unreadable", becomes(b"\xff\xfe\x00")),
    ("run.json", "unreadable", becomes(b"[]")),
    ("run.json", "unreadable", becomes(b"[" * 200_000)),
    ("run.json", "unreadable", becomes(b"9" * 5_000)),
    ("status.json", "unreadable", Path.unlink),
    ("status.json", "unreadable", becomes_folder),
    ("status.json", "unreadable", becomes(b"null")),
    ("status.json", "unreadable", says("state", "sleeping")),
    ("status.json", "unreadable", says("state", None)),
    ("status.json", "unreadable", says("step", "1")),
    ("status.json", "unreadable", says("total_steps", [2])),
    ("status.json", "unreadable", says("started", 1e300)),
    ("status.json", "unreadable", says("started", float("nan"))),
    ("status.json", "unreadable", says("updated", -1)),
    ("status.json", "unreadable", says("error", {})),
    ("status.json", "killed", says("state", "running")),
    ("LOCK", "done", becomes_folder),
    ("journal.jsonl", "done", becomes_folder),
    ("journal.jsonl", "done", becomes(b"[" * 200_000 + b"\n\x00\n{")),
    ("checkpoints", "done", becomes(b"")),
]


@pytest.mark.parametrize(("name", "state", "poison"), POISONED)
def test_a_poisoned_run_does_not_stop_a_list(
    name: str, state: str, poison: Callable[[Path], None], tmp_path: Path
) -> None:
    poisoned, other = (RunDirectory.create(tmp_path / run, FILES) for run in ("a", "b"))
    for run in (poisoned, other):
        run.write_status(Status(state="done"))
    poison(poisoned.path / name)
    assert [summary.state for summary in list_runs(tmp_path)] == [state, "done"]
    assert list(poisoned.journal()) == []
    assert poisoned.latest_checkpoint(pytest.fail) is None


def test_a_folder_without_runs_lists_none(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "file").touch()
    assert list_runs(tmp_path) == []
    assert list_runs(tmp_path / "nothing") == []
    assert list_runs(tmp_path / "file") == []
