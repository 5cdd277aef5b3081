"""Names of what a run makes: where they lead, and where they never do."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitchen.runtime.ports import DataError, Workspace

BASE, CACHE, RUN = Path("recipe"), Path("cache"), Path("runs/one")


def test_what_a_run_made_is_in_its_folder() -> None:
    workspace = Workspace(BASE, CACHE, RUN)
    assert workspace.made_by_run("run:weights") == RUN / "weights"
    assert workspace.made_by_run("run:datasets/a.jsonl") == RUN / "datasets/a.jsonl"


@pytest.mark.parametrize("name", ["weights", "./run", "runs:weights", "package:run", "RUN:a", ""])
def test_other_names_are_left_alone(name: str) -> None:
    assert Workspace(BASE, CACHE, RUN).made_by_run(name) is None
    assert Workspace(BASE, CACHE).made_by_run(name) is None


@pytest.mark.parametrize("name", ["run:", "run:..", "run:../two", "run:/etc", "run:a/../../b"])
def test_no_name_leads_out_of_the_run(name: str) -> None:
    with pytest.raises(DataError, match="leads out of the run's folder"):
        Workspace(BASE, CACHE, RUN).made_by_run(name)


def test_without_a_run_nothing_was_made() -> None:
    with pytest.raises(DataError, match="`run:weights` is made by a run, and nothing is run"):
        Workspace(BASE, CACHE).made_by_run("run:weights")
