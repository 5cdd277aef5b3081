"""Figures are taken as they are told: in pairs, with medians, on programs that do what they say."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

from kitchen.ir.program import Stage
from kitchen.ir.walk import walk
from tools.bench.__main__ import BENCHES, line, main
from tools.bench.compiling import compilation
from tools.bench.export import _compact, export
from tools.bench.figure import Figure, pairs
from tools.bench.generated import chain, rounds
from tools.bench.stage_cost import interpretation, program


def counter(log: list[str], name: str, values: list[float]) -> Callable[[], float]:
    remaining = iter(values)

    def timed() -> float:
        log.append(name)
        return next(remaining)

    return timed


def test_pairs_alternate_and_give_the_median_of_their_ratios() -> None:
    log: list[str] = []
    ours = counter(log, "ours", [2.0, 9.0, 3.0])
    theirs = counter(log, "theirs", [1.0, 3.0, 3.0])
    assert pairs(ours, theirs, count=3) == (3.0, 3.0, 2.0)
    assert log == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]


@pytest.mark.parametrize(
    ("ours", "ratio", "bound", "at_least", "bounds_ours", "kept"),
    [
        (1.0, 1.02, 1.03, False, False, True),
        (1.0, 1.04, 1.03, False, False, False),
        (1.0, 2.5, 2.0, True, False, True),
        (1.0, 1.5, 2.0, True, False, False),
        (9.0, 0.1, 8.0, False, True, False),
        (9.0, 0.1, None, False, False, None),
    ],
)
def test_a_promise_is_kept_or_not(
    ours: float,
    ratio: float,
    bound: float | None,
    at_least: bool,
    bounds_ours: bool,
    kept: bool | None,
) -> None:
    figure = Figure(
        name="a step",
        peer="by hand",
        ours=ours,
        theirs=1.0,
        ratio=ratio,
        unit="s",
        bound=bound,
        at_least=at_least,
        bounds_ours=bounds_ours,
    )
    assert figure.kept is kept
    assert ("NOT KEPT" in line(figure)) is (kept is False)


@pytest.mark.parametrize("name", BENCHES)
def test_a_bench_can_be_measured(name: str) -> None:
    assert callable(importlib.import_module(f"tools.bench.{name}").measure)


def test_an_unknown_bench_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["nothing"])
    assert "no bench is called nothing" in capsys.readouterr().err


def test_a_generated_recipe_keeps_every_stage() -> None:
    compilation(30)()
    ops = list(walk(program(chain(30)).body))
    assert [op.stage for op in ops if isinstance(op, Stage)] == ["start", *["add"] * 28, "tell"]


def test_a_generated_loop_is_run_and_journalled(tmp_path: Path) -> None:
    interpretation(program(rounds(4, 3)), tmp_path / "run")()
    journal = (tmp_path / "run" / "journal.jsonl").read_text(encoding="utf-8")
    assert '"count": 4' in journal
    assert '"run stopped"' in journal


@pytest.mark.parametrize("target", ["airflow", "argo"])
def test_each_step_of_a_chain_of_tasks_is_a_task(target: str) -> None:
    export(target, 20)()


def test_objects_are_compared_without_what_only_people_read() -> None:
    assert _compact("# a comment\na:  1\n") == len('[{"a":1}]')
