"""What guards `reasoning-gym`: no answer is run as code, and no verifier keeps a run waiting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kitchen.runtime.adapters import reasoning_gym as declared
from kitchen.runtime.adapters.reasoning_gym import environment
from kitchen.runtime.ports import AdapterError, DataError, Problem, Workspace

pytest.importorskip("reasoning_gym")

PROBLEM = Problem(0, "train", 3)


@contextmanager
def gym(folder: Path, **settings: Any) -> Iterator[environment.ReasoningGym]:
    made = declared.ENVIRONMENT.bind(settings, Workspace(folder, folder))
    with made:
        yield made


def test_a_problem_is_judged_by_its_verifier(tmp_path: Path) -> None:
    with gym(tmp_path, task="leg_counting", instruction="Say a number.") as found:
        episode = found.begin(PROBLEM)
        assert isinstance(episode.prompt, tuple)
        assert episode.prompt[0]["content"].endswith("\n\nSay a number.")
        right, wrong = episode.step(f" {episode.answer} "), episode.step("1000")
        assert (right.reward, right.metrics["correct"]) == (1, 1)
        assert wrong.reward < 1
        assert wrong.metrics == {"correct": 0, "timed_out": 0}


def test_the_same_in_another_process(tmp_path: Path) -> None:
    asked = []
    for _ in range(2):
        with gym(tmp_path, task="propositional_logic") as found:
            asked.append([found.begin(Problem(1, "train", index)).prompt for index in range(5)])
    assert asked[0] == asked[1]


@pytest.mark.parametrize("task", ["countdown", "simple_integration", "n_queens"])
def test_a_verifier_that_runs_answers_is_refused(tmp_path: Path, task: str) -> None:
    """Before anything is sampled: its own right answer is judged first."""
    with (
        gym(tmp_path, task=task) as found,
        pytest.raises(DataError, match="runs answers as code") as raised,
    ):
        found.begin(PROBLEM)
    assert raised.value.help


def test_an_answer_that_would_be_run_is_refused(tmp_path: Path) -> None:
    """This family runs only what is no plain word: the first answer that it would run ends it."""
    there = tmp_path / "there"
    there.touch()
    said = f"[str(__import__('os').remove({str(there)!r}))]"
    with (
        gym(tmp_path, task="string_insertion") as found,
        pytest.raises(DataError, match="runs answers as code"),
    ):
        found.begin(PROBLEM).step(said)
    assert there.exists()


def test_a_verifier_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process is ended, the answer is worth nothing and counted, and the next one is judged."""
    monkeypatch.setattr(environment, "WORKER", "tests.runtime.adapters.hanging_worker")
    with gym(tmp_path, task="leg_counting", timeout=0.5) as found:
        episode = found.begin(PROBLEM)
        step = episode.step("hang")
        assert step.reward == 0
        assert step.metrics == {"correct": 0, "timed_out": 1}
        assert episode.step(episode.answer).reward == 1


def test_a_process_that_ends_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "WORKER", "tests.runtime.adapters.hanging_worker")
    with gym(tmp_path, task="leg_counting") as found:
        episode = found.begin(PROBLEM)
        with pytest.raises(AdapterError, match="has ended") as raised:
            episode.step("die")
        assert raised.value.transient


def test_an_unknown_family_is_named(tmp_path: Path) -> None:
    with (
        gym(tmp_path, task="leg_countign") as found,
        pytest.raises(DataError, match="`leg_countign`") as raised,
    ):
        found.begin(PROBLEM)
    assert "task" in raised.value.help


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "find_spec", lambda name: None)
    with pytest.raises(AdapterError, match="`reasoning-gym` is not installed") as raised:
        declared.ENVIRONMENT.bind({"task": "leg_counting"}, Workspace(tmp_path, tmp_path))
    assert "pip install" in raised.value.help
