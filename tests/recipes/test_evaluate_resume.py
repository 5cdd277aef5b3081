"""An evaluation that is killed or stopped ends with the rows and figures of one that never was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recipes.test_evaluate import write
from tests.runtime.kill import Life, Runs, outcome

pytestmark = pytest.mark.slow

KILLED, DONE, STOPPED = -9, 0, 75
PARAMS = "  temperature: 1.0\n  answer_tokens: 5"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("runs")
    write(folder, params=PARAMS)
    with Runs(folder) as runs:
        yield runs


def made(run: Path) -> dict[str, object]:
    return {**outcome(run), "rows": (run / "evaluations/answers.jsonl").read_bytes()}


@pytest.mark.parametrize(
    "deaths",
    [
        ["after answer_prompts 1"],
        ["before evaluate 1", "before log_scores 1"],
        ["after log_scores 1"],
        ["after answer_prompts 1 SIGTERM"],
    ],
    ids=["with answers", "twice", "when all is done", "stopped"],
)
def test_it_ends_the_same(runs: Runs, deaths: list[str], tmp_path: Path) -> None:
    recipe = runs.folder / "evaluate.yaml"
    whole = Life(runs, recipe, tmp_path / "whole")
    assert whole.go() == DONE, runs.output
    life = Life(runs, recipe, tmp_path / "run")
    for point in deaths:
        assert life.go(point) == (STOPPED if "SIG" in point else KILLED), (point, runs.output)
    assert life.go() == DONE, runs.output
    assert made(life.path) == made(whole.path)
