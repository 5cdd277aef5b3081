"""A task graph run here keeps order, tries again, and knows when to stop; tasks are scripted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from kitchen.ir.expr import Const
from kitchen.ir.places import Place, instance_key
from kitchen.ir.program import Annotations, Program, Retry
from kitchen.ir.task_graph import Task
from kitchen.ir.types import INT, list_of
from kitchen.runtime.signals import StopRequest
from kitchen.runtime.tasks.local import LocalRun
from tests.compiler.builders import CELL, map_over, program, region, stage, value
from tests.compiler.partition_cases import BUSY
from tests.runtime.tasks.toys import InProcess, plan_of

DONE, BAD_INPUT, FAILED, STOPPED, KILLED = 0, 2, 3, 75, -9


@dataclass
class Scripted:
    """Runs tasks as `run` does, after the exit codes that are written down for them."""

    run: InProcess
    codes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    parallel: int = 99
    stop: StopRequest = field(default_factory=StopRequest)
    stop_in: str = ""
    launched: Counter[str] = field(default_factory=Counter)
    begun: list[str] = field(default_factory=list)
    at_once: int = 0
    most: int = 0

    async def launch(self, task: Task, place: Place) -> int:
        key = instance_key(task.name, place)
        script, number = self.codes.get(key, ()), self.launched[key]
        self.launched[key] += 1
        self.begun.append(key)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        if key == self.stop_in:
            self.stop.request()
        await asyncio.sleep(0.001)
        self.at_once -= 1
        return script[number] if number < len(script) else self.run.go(task.name, place)

    def go(self) -> int:
        local = LocalRun(
            values=self.run.instances().values,
            launch=self.launch,
            parallel=self.parallel,
            stop=self.stop,
        )
        return asyncio.run(local.run())


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited before a task was tried again; nobody waits here."""
    waited: list[float] = []

    async def pause(self: LocalRun, seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(LocalRun, "_pause", pause)
    return waited


def scripted(made: Program, folder: Path, **fields: object) -> Scripted:
    return Scripted(InProcess(plan_of(made, BUSY), folder), **fields)  # type: ignore[arg-type]


def two_and_endings(retry: Retry | None = None) -> Program:
    first = stage("sense", value("x"))
    return program(
        replace(first, annotations=Annotations(retry=retry)),
        stage("open_cell", value("cell", CELL)),
        stage("report", value=value("x")),
        on_failure=region(stage("report", value=0, called="told")),
        finally_=region(stage("report", value=1, called="last")),
    )


def test_what_is_pre_empted_is_tried_again(tmp_path: Path, waits: list[float]) -> None:
    run = scripted(two_and_endings(), tmp_path, codes={"sense": [STOPPED] * 8})
    assert run.go() == DONE
    assert run.launched["sense"] == 9
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize("code", [FAILED, KILLED, 1])
def test_what_failed_is_tried_again_as_it_says(
    code: int, tmp_path: Path, waits: list[float]
) -> None:
    retry = Retry(times=3, backoff=2, max_backoff=5)
    run = scripted(two_and_endings(retry), tmp_path / "a", codes={"sense": [code] * 3})
    assert run.go() == DONE
    assert waits == [2, 4, 5]
    run = scripted(two_and_endings(retry), tmp_path / "b", codes={"sense": [code] * 4})
    assert run.go() == FAILED
    assert run.launched["sense"] == 4


def test_what_failed_is_not_tried_again_unasked(tmp_path: Path, waits: list[float]) -> None:
    run = scripted(two_and_endings(), tmp_path, codes={"sense": [FAILED]})
    assert run.go() == FAILED
    assert waits == []


def test_bad_input_is_never_tried_again(tmp_path: Path, waits: list[float]) -> None:
    run = scripted(two_and_endings(Retry(times=3)), tmp_path, codes={"sense": [BAD_INPUT]})
    assert run.go() == BAD_INPUT
    assert (run.launched["sense"], waits) == (1, [])


def test_after_a_failure_only_the_endings_are_begun(tmp_path: Path) -> None:
    run = scripted(two_and_endings(), tmp_path, codes={"sense": [FAILED]}, parallel=1)
    assert run.go() == FAILED
    assert run.begun[-2:] == ["on_failure", "finally"]
    assert "report" not in run.begun


def test_without_a_failure_there_is_nothing_to_tell(tmp_path: Path) -> None:
    run = scripted(two_and_endings(), tmp_path)
    assert run.go() == DONE
    assert run.begun[-1] == "finally"
    assert "on_failure" not in run.begun


def test_what_is_stopped_is_not_over(tmp_path: Path) -> None:
    run = scripted(
        two_and_endings(), tmp_path, codes={"sense": [STOPPED]}, stop_in="sense", parallel=1
    )
    assert run.go() == STOPPED
    assert {"report", "finally", "on_failure"}.isdisjoint(run.begun)
    again = Scripted(run.run)
    assert again.go() == DONE


def test_a_stop_between_tasks_begins_no_more(tmp_path: Path) -> None:
    run = scripted(two_and_endings(), tmp_path, stop_in="sense", parallel=1)
    assert run.go() == STOPPED
    assert "report" not in run.begun


def wide(most: int | None) -> Program:
    """Eight items, with two tasks for each."""
    body = region(
        stage("sense", value("x")),
        stage("report", value=value("x"), config={"label": "item "}),
        stage("add", value("y"), left=value("x"), right=value("i")),
        params=(value("i"),),
        results=(value("y"),),
    )
    limit = None if most is None else Const(most, INT)
    made = map_over(list(range(8)), body, (value("ys", list_of(INT)),))
    return program(replace(made, max_parallel=limit))


@pytest.mark.parametrize(
    ("most", "parallel", "at_once"),
    [(None, 99, 16), (None, 5, 5), (2, 99, 4), (1, 99, 2), (4, 3, 3)],
)
def test_no_more_at_once_than_may_be(
    most: int | None, parallel: int, at_once: int, tmp_path: Path
) -> None:
    """Each item has two tasks that may run side by side, when its first is done."""
    run = scripted(wide(most), tmp_path, parallel=parallel)
    assert run.go() == DONE
    assert run.most == at_once
    assert run.launched.total() == len(set(run.launched)) == 24
