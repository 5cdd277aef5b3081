"""The quick start as it is shipped: it learns to add in two phases, and says so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kitchen.cli.run_report import read_curves
from tests.architecture import ROOT
from tests.documents import blocks
from tests.runtime.kill import Life, Runs, outcome

pytestmark = pytest.mark.slow

RECIPE = ROOT / "recipes" / "quickstart.yaml"
KILLED, DONE = -9, 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a run of the recipe, with nothing changed, and what it printed."""
    run = tmp_path_factory.mktemp("quickstart") / "run"
    command = [sys.executable, "-m", "kitchen", "run", str(RECIPE), "--run-dir", str(run)]
    environment = {**os.environ, "KITCHEN_CACHE": str(run.parent / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return run, done.stdout


def test_it_learns_to_add(whole: tuple[Path, str]) -> None:
    """On sums that neither phase has seen; the warm-up leaves much to find, and most is found."""
    curves = read_curves(whole[0])
    steps, accuracies = zip(*curves["eval/accuracy"], strict=True)
    assert steps == (0, steps[1], steps[1] + 160), "a step for each iteration of attempts"
    assert steps[1] % 10 == 0
    assert steps[1] < 450
    untrained, supervised, reinforced = accuracies
    assert untrained < 0.01
    assert 0.45 < supervised < 0.85
    assert reinforced > 0.93
    assert [step for step, _ in curves["reward"]] == [*range(steps[1], steps[2])]


def test_it_says_how_well_it_adds(whole: tuple[Path, str]) -> None:
    """Before, between and after: as it goes, and at the end."""
    run, printed = whole
    steps, accuracies = zip(*read_curves(run)["eval/accuracy"], strict=True)
    told = re.findall(r"^step (\d+): evaluation accuracy ([\d.]+)", printed, re.MULTILINE)
    assert [int(step) for step, _ in told] == [*steps]
    assert [float(value) for _, value in told] == pytest.approx(accuracies, rel=1e-3)
    ends = re.search(
        r"^  evaluation accuracy +([\d.]+) untrained → ([\d.]+) supervised → ([\d.]+) reinforced$",
        printed,
        re.MULTILINE,
    )
    assert ends is not None, printed
    assert [float(value) for value in ends.groups()] == pytest.approx(accuracies, rel=1e-3)


def test_it_prints_what_the_readme_shows(whole: tuple[Path, str]) -> None:
    """But for figures, and for lines that the page leaves out."""
    shown = next(
        block.text for block in blocks(ROOT / "README.md") if block.text.startswith("quickstart in")
    )
    run, printed = whole
    lines = iter(_plain(printed.replace(str(run), "runs/quickstart-1")))
    for line in _plain(shown):
        pattern = ".*".join(map(re.escape, line.split("...")))
        assert any(re.fullmatch(pattern, one) for one in lines), f"not printed, or not here: {line}"


def _plain(text: str) -> Iterator[str]:
    """Lines without what differs from machine to machine: figures, answers, what took long."""
    for line in text.splitlines():
        answer = re.match(r"    (untrained|supervised|reinforced) ", line)
        steady = answer.group() if answer else re.sub(r"\d+([.,:]\d+)*", "N", line)
        if not re.fullmatch(r"[\w/]+ \(N s\)", steady):
            yield steady


# ------------------------------------------------------------------------------------- exact resume

#: Few steps, on which a killed run shows what a long one would.
SHORT = (
    "demonstrations=1422", "warm_up_epochs=3", "warm_up_ramp=10", "iterations=5",
    "eval_problems=32", "checkpoint_every=3",
)  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with Runs(tmp_path_factory.mktemp("runs")) as runs:
        yield runs


@pytest.fixture(scope="module")
def undisturbed(runs: Runs) -> dict[str, object]:
    """What a short run makes that nothing disturbs."""
    life = Life(runs, RECIPE, runs.folder / "whole", SHORT)
    assert life.go() == DONE, runs.output
    made = outcome(life.path)
    assert {"weights/MANIFEST.json", "samples/untrained.json"} <= made.keys()
    metrics = made["metrics"]
    assert isinstance(metrics, list)
    assert sum(name == "clip_ratio/region_mean" for _, name, _ in metrics) == 5, "steps on rewards"
    return made


@pytest.mark.parametrize(
    "points",
    [
        ["before rollout 4"],
        ["after policy_forward_backward 2"],
        ["after optim_step 64", "after rollout 3", "before log_outcome 1"],
    ],
    ids=["between attempts", "between a loss and its step", "again and again"],
)
def test_killed_while_it_tries_it_ends_the_same(
    runs: Runs, undisturbed: dict[str, object], points: list[str], tmp_path: Path
) -> None:
    life = Life(runs, RECIPE, tmp_path / "run", SHORT)
    for point in points:
        assert life.go(point) == KILLED, (point, runs.output)
    assert life.go() == DONE, runs.output
    assert outcome(life.path) == undisturbed
