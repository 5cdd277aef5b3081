"""What every adapter of the `environment` port does, ours or another's.

Each installed adapter (entry-point group `kitchen.adapters.environment`) is held to all of it.
KITCHEN_CONTRACT_ENVIRONMENT gives an adapter's settings as JSON: `{"name": {"setting": ...}}`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import EntryPoint, entry_points

import pytest

from kitchen.runtime.ports import AdapterError, Environment, Problem, Step, Workspace

SETTINGS = {
    "reasoning_gym": {"task": "leg_counting"},
    "rows": {"path": "package:chatterbot_corpus/data/english/food.yml"},
}
SETTINGS |= json.loads(os.environ.get("KITCHEN_CONTRACT_ENVIRONMENT", "{}"))
TURNS = 1000  #: an episode that goes on for longer has no end

HOSTILE = (
    "",
    "7",
    "no idea",
    "__import__('os').remove('there')",
    "9" * 5000,
    "½ ٣ 三",
    "\x00\ud7ff",
)


@pytest.fixture(
    scope="module",
    params=sorted(entry_points(group="kitchen.adapters.environment")),
    ids=lambda found: found.name,
)
def environment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    found: EntryPoint = request.param
    workspace = Workspace(tmp_path_factory.mktemp("recipe"), tmp_path_factory.mktemp("cache"))
    try:
        made = found.load().bind(dict(SETTINGS.get(found.name, {})), workspace)
    except AdapterError as missing:
        pytest.skip(f"{missing}: {missing.help}")
    with ExitStack() as stack:
        yield stack.enter_context(made) if hasattr(made, "__exit__") else made


def played(environment: Environment, problem: Problem, *actions: str) -> list[Step]:
    """The steps of an episode with these actions, the last of them said until it ends."""
    episode = environment.begin(problem)
    steps: list[Step] = []
    while not (steps and steps[-1].done):
        assert len(steps) < TURNS
        steps.append(episode.step(actions[min(len(steps), len(actions) - 1)]))
    return steps


PROBLEMS = [Problem(3, split, index) for split in ("train", "held_out") for index in range(6)]


def test_a_problem_begins_alike_each_time(environment: Environment) -> None:
    for problem in PROBLEMS:
        prompt = environment.begin(problem).prompt
        assert prompt == environment.begin(problem).prompt
        assert prompt
        if not isinstance(prompt, str):
            assert all(set(message) == {"role", "content"} for message in prompt)
            assert prompt[-1]["role"] == "user"


def test_the_same_actions_come_to_the_same(environment: Environment) -> None:
    for problem in PROBLEMS:
        assert played(environment, problem, "7", "3") == played(environment, problem, "7", "3")


def test_attempts_know_nothing_of_each_other(environment: Environment) -> None:
    problem = PROBLEMS[0]
    alone = played(environment, problem, "7", "3")
    other, one = environment.begin(problem), environment.begin(problem)
    other.step("1")
    steps = [one.step("7")]
    while not steps[-1].done:
        steps.append(one.step("3"))
    assert steps == alone


def test_problems_differ(environment: Environment) -> None:
    """By index, by seed and by split: by what is asked, or by what it comes to."""

    def seen(seed: int, split: str) -> list[object]:
        problems = [Problem(seed, split, index) for index in range(12)]
        return [
            (environment.begin(problem).prompt, played(environment, problem, "7")[0])
            for problem in problems
        ]

    first = seen(0, "train")
    assert any(one != first[0] for one in first)
    assert seen(1, "train") != first
    assert seen(0, "held_out") != first


@pytest.mark.parametrize("said", HOSTILE, ids=range(len(HOSTILE)))
def test_anything_may_be_said(environment: Environment, said: str) -> None:
    for step in played(environment, PROBLEMS[0], said):
        assert isinstance(step.reward, float)
        assert step.reward == step.reward
        assert step.done != bool(step.observation)
    assert step.metrics["correct"] in (0.0, 1.0)


def test_an_answer_is_right(environment: Environment) -> None:
    for problem in PROBLEMS:
        answer = environment.answer(problem)
        if answer is not None:
            (step,) = played(environment, problem, answer)
            assert step.metrics["correct"] == 1
            assert step.reward > played(environment, problem, "no idea")[0].reward
