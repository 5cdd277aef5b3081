"""A run that is begun, advanced, killed, damaged and gone on with, in any order.

`HYPOTHESIS_PROFILE=explore pytest tests/runtime/test_run_machine.py` looks further.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kitchen.runtime import lock, store
from kitchen.runtime.lock import LockHeld
from kitchen.runtime.run_directory import Checkpoint, RunDirectory, RunError, list_runs
from kitchen.runtime.status import Status
from kitchen.runtime.store import StorageError
from tests.runtime.faulty_disk import UNFORCED, FaultySystem, Killed
from tests.runtime.scenarios import flip_bit

WHOLE, CHANGED, CUT = "whole", "changed", "cut"


def state_after(step: int) -> bytes:
    """The state of a toy training after so many steps: every step depends on all before it."""
    state = b""
    for number in range(1, step + 1):
        state = hashlib.sha256(state + bytes([number])).digest()
    return state


class RunMachine(RuleBasedStateMachine):
    """What a run's folder promises, beside the simplest thing that keeps the same promises."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = Path(tempfile.mkdtemp())
        self.path = self.runs / "run"
        self.runner = ExitStack()  # holds the lock while a runner lives
        self.alive = False
        self.state, self.step = b"", 0
        self.checkpoints: dict[int, str] = {}  # the model: index -> WHOLE, CHANGED or CUT
        self.uncertain: int | None = None  # a commit that was cut off, and may have happened
        store.system, lock.PAUSE = UNFORCED, 0.0  # nothing is waited for

    def teardown(self) -> None:
        self.runner.close()
        store.system, lock.PAUSE = store.SystemCalls(), 0.02
        shutil.rmtree(self.runs)

    @property
    def run(self) -> RunDirectory:
        return RunDirectory(self.path)

    # -------------------------------------------------------------------------- begin and go on

    @precondition(lambda self: not self.path.exists())
    @rule()
    def start(self) -> None:
        RunDirectory.create(self.path, {"run.json": b'{"recipe": "toy"}', "plan.json": b"{}"})
        self._enter()

    @precondition(lambda self: self.path.exists())
    @rule()
    def start_over_it(self) -> None:
        with pytest.raises(RunError, match="already holds a run"):
            RunDirectory.create(self.path, {"run.json": b"{}"})

    @precondition(lambda self: self.path.exists() and not self.alive)
    @rule()
    def resume(self) -> None:
        run = self._enter()
        reports: list[str] = []
        latest = run.latest_checkpoint(reports.append)
        self._recovered(latest)
        assert len(reports) == sum(
            fate != WHOLE and index > self.step for index, fate in self.checkpoints.items()
        )

    def _enter(self) -> RunDirectory:
        run = RunDirectory.open(self.path)
        self.runner.enter_context(run.lock())
        run.write_status(Status(state="running", step=self.step))
        self.alive = True
        return run

    def _recovered(self, latest: Checkpoint | None) -> None:
        """Take what was found, which must be the newest whole one, or one that was cut off."""
        expected = max((i for i, fate in self.checkpoints.items() if fate == WHOLE), default=0)
        index = latest.index if latest else 0
        assert index == expected or index == self.uncertain, (index, expected, self.uncertain)
        self.state, self.step = (latest.path / "state").read_bytes() if latest else b"", index
        assert self.state == state_after(index)
        there = {int(path.name) for path in self.run.checkpoints.glob("0*")}
        lost = self.checkpoints.keys() - there - {self.uncertain}
        assert not lost or self.uncertain == index, f"{lost} went, and nothing came"
        self.checkpoints = {i: self.checkpoints.get(i, WHOLE) for i in there}
        if index == self.uncertain:
            self.checkpoints[index] = WHOLE
        self.uncertain = None

    @precondition(lambda self: self.alive)
    @rule()
    def second_runner(self) -> None:
        with pytest.raises(LockHeld, match="is in use by process"):
            self.runner.enter_context(self.run.lock())

    # ------------------------------------------------------------------------------- take steps

    @precondition(lambda self: self.alive)
    @rule(steps=st.integers(1, 3))
    def advance(self, steps: int) -> None:
        for _ in range(steps):
            self._commit()
            self._committed()

    @precondition(lambda self: self.alive)
    @rule(at=st.integers(1, 60), fault=st.sampled_from(["kill", "ENOSPC", "EIO"]))
    def advance_and_fail(self, at: int, fault: str) -> None:
        faulty = FaultySystem(at=at, fault=fault)
        store.system = faulty.system()
        try:
            self._commit()
        except (Killed, StorageError):
            self.uncertain = self.step
            self._leave()
        else:
            assert not faulty.fired or faulty.calls[at - 1] == "rmtree"
            self._committed()
        finally:
            store.system = UNFORCED

    @precondition(lambda self: self.alive)
    @rule()
    def stop(self) -> None:
        self._commit()
        self._committed()
        self.run.write_status(Status(state="stopped", step=self.step))
        self._leave()

    def _commit(self) -> None:
        self.step += 1
        self.state = hashlib.sha256(self.state + bytes([self.step])).digest()
        self.run.commit_checkpoint(self.step, self._write)

    def _write(self, folder: Path) -> None:
        (folder / "state").write_bytes(self.state)

    def _committed(self) -> None:
        self.checkpoints[self.step] = WHOLE
        sound = sorted(index for index, fate in self.checkpoints.items() if fate != CUT)
        for index in sound[:-2]:
            del self.checkpoints[index]

    def _leave(self) -> None:
        self.runner.close()
        self.alive = False

    # ----------------------------------------------------------------------------------- damage

    @precondition(lambda self: self.checkpoints and self.uncertain is None)
    @rule(data=st.data(), how=st.sampled_from(["flip a bit", "truncate", "delete", "zero"]))
    def damage(self, data: st.DataObject, how: str) -> None:
        index = data.draw(st.sampled_from(sorted(self.checkpoints)))
        folder = self.run.checkpoints / f"{index:08d}"
        path = folder / data.draw(st.sampled_from(["state", "MANIFEST.json"]))
        if not path.exists() or not path.stat().st_size:
            return
        match how:
            case "flip a bit":
                flip_bit(path)
            case "truncate":
                path.write_bytes(path.read_bytes()[:-5])
            case "delete":
                path.unlink()
            case "zero":
                path.write_bytes(bytes(path.stat().st_size))
        if store.verify_folder(folder, hashes=True):
            sound = not store.verify_folder(folder, hashes=False)
            self.checkpoints[index] = CHANGED if sound else CUT
        else:
            assert how == "flip a bit", "only a second flip of a bit puts it right again"
            self.checkpoints[index] = WHOLE

    # ------------------------------------------------------------------------------ at any time

    @invariant()
    def a_list_never_fails(self) -> None:
        states = [summary.state for summary in list_runs(self.runs)]
        if self.alive:
            assert states == ["running"]
        elif self.path.exists():
            assert states in (["killed"], ["stopped"])
        else:
            assert states == []


RunMachine.TestCase.settings = settings(
    settings.get_profile(settings.get_current_profile_name()), stateful_step_count=20
)
TestRunMachine = RunMachine.TestCase
