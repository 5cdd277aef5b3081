"""`on_failure` and `finally` as tasks: what they are told, when they run, and when again."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from kitchen.ir.program import Program
from kitchen.runtime import store
from kitchen.runtime.tasks.outcomes import Failed
from kitchen.runtime.tasks.state import first_failure
from tests.compiler.builders import program, region, stage, value
from tests.compiler.partition_cases import BUSY
from tests.compiler.toy_stages import FUNCTIONS
from tests.runtime.faulty_disk import UNFORCED
from tests.runtime.tasks.toys import FAILED, TOYS, InProcess, plan_of

DONE, NOT_TO_BE_RUN = 0, 99


class Fragile:
    """`add`, which fails as long as it is broken."""

    def __init__(self) -> None:
        self.broken = True
        functools.update_wrapper(self, FUNCTIONS["add"])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.broken:
            raise ValueError("it is broken")
        return FUNCTIONS["add"](*args, **kwargs)


def with_endings() -> Program:
    return program(
        stage("sense", value("x")),
        stage("add", value("y"), left=value("x"), right=1),
        stage("report", value=value("y"), config={"label": "body "}),
        on_failure=region(
            stage("report", value=value("x.1"), config={"label": "failed "}, called="told"),
            params=(value("x.1"),),
        ),
        finally_=region(
            stage("report", value=value("x.2"), config={"label": "last "}, called="last"),
            stage("report", value=value("y.1"), config={"label": "made "}, called="made"),
            params=(value("x.2"), value("y.1")),
        ),
    )


@pytest.fixture
def fragile() -> Fragile:
    return Fragile()


@pytest.fixture
def run(fragile: Fragile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InProcess:
    monkeypatch.setattr(store, "system", UNFORCED)
    installed = {**TOYS, "functions": {**FUNCTIONS, "add": fragile}}
    return InProcess(plan_of(with_endings(), BUSY), tmp_path, installed=installed)


def test_a_failure_is_told_and_what_was_never_made_is_left_out(run: InProcess) -> None:
    assert run.run() == FAILED
    assert run.written == ["failed 7", "last 7"]
    assert first_failure(run.instances().values) == Failed("add", "it is broken")


def test_endings_run_again_when_the_run_ends_otherwise(run: InProcess, fragile: Fragile) -> None:
    """As in one process, where what goes on after a failure comes to its end once more."""
    assert run.run() == FAILED
    fragile.broken = False
    assert run.run() == DONE
    assert sorted(run.written) == ["body 8", "failed 7", "last 7", "made 8"]


def test_endings_run_once_for_one_end(run: InProcess) -> None:
    assert run.run() == FAILED
    before = run.written
    assert run.go("finally", ()) == DONE
    assert run.go("on_failure", ()) == DONE
    assert run.written == before


def test_nothing_failed(run: InProcess, fragile: Fragile) -> None:
    fragile.broken = False
    assert run.run() == DONE
    assert run.written == ["body 8", "last 7", "made 8"]
    assert run.go("on_failure", ()) == NOT_TO_BE_RUN


def test_a_process_that_died_is_a_failure(run: InProcess, fragile: Fragile) -> None:
    """It left no word, but it should be done and is not."""
    fragile.broken = False
    found = run.instances().layout
    body = [task.name for _, task in found.tasks() if task.runs.value == "ready"]
    assert run.go(body[0], ()) == DONE
    failure = first_failure(run.instances().values)
    assert failure == Failed(body[1], "its process ended without a word")
    assert run.go("on_failure", ()) == DONE
    assert run.written == ["failed 7"]


def test_an_ending_that_fails_fails_the_run(tmp_path: Path) -> None:
    made = program(
        stage("sense", value("x")),
        finally_=region(
            stage("refuse", value("y"), value=value("x.1"), config={"limit": 1}),
            stage("report", value=value("x.1")),
            params=(value("x.1"),),
        ),
    )
    run = InProcess(plan_of(made, BUSY), tmp_path)
    assert run.run() == FAILED
    assert run.written == []


def test_killed_in_an_ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "system", UNFORCED)
    run = InProcess(plan_of(with_endings(), BUSY), tmp_path, kill=0.9, seed=3)
    assert run.run() == DONE
    assert run.written == ["body 8", "last 7", "made 8"]
