"""What real Airflow makes of exported DAGs: it reads them all, and runs them as `kitchen run` does.

One process of Airflow reads all files; two run the DAGs, with a database each, and one DAG is run
from the command line.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kitchen.api import run
from kitchen.runtime.calls import StageError
from tests.architecture import ROOT
from tests.recipes.running import write_chats
from tests.targets.airflow.exports import Exports, dag_name
from tests.targets.airflow.installation import Airflow, installed
from tests.targets.cases import CASES, Case, kept
from tests.targets.test_parity import measured

pytestmark = pytest.mark.slow

#: Steps that fail until nobody tries again.
HOPELESS = Case("retries", {}, {"fails": 9}, fails="flaky")
#: These ask for what only pods have.
OF_PODS = {"resources", "nodes", "pods"}
#: Of other settings, those that leave something empty or go another way.
OTHERS = {"condition-value-2", "map-text", "nested_maps-count-0", "fixed_loop-times-0",
          "counted_loop-times-0", "skipped_producer-goal-5", "endings-most-9"}  # fmt: skip
FIRST = {case.recipe: case for case in reversed(CASES)}
RUN = [
    *(case for recipe, case in sorted(FIRST.items()) if recipe not in OF_PODS),
    *(case for case in CASES if dag_name(case) in OTHERS),
    HOPELESS,
]
SMALL = {"max_steps": 4, "epochs": 1, "sample_prompts": [], "eval_every": 0}


@pytest.fixture(scope="module")
def said(
    migrated: Airflow, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Exports, dict[str, Any]]:
    """All DAGs exported, read and run once."""
    from kitchen.runtime import plugins
    from tests.targets.cases import SITE

    folder = tmp_path_factory.mktemp("dags")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SITE)
        plugins._groups.cache_clear()
        exports = Exports.under(folder)
        names = [exports.case(case) for case in RUN]
        write_chats(exports.recipes / "chats.jsonl")
        dataset = {"dataset": "./chats.jsonl"}
        exports.recipe(ROOT / "recipes" / "sft.yaml", "sft", SMALL | dataset)
    plugins._groups.cache_clear()
    airflow = Airflow(migrated.python, migrated.home, exports.dags)
    twins = [airflow.twin(folder / f"home-{part}") for part in range(2)]
    with ThreadPoolExecutor() as pool:
        halves = [pool.submit(twin.inside, names[n::2]) for n, twin in enumerate(twins)]
    found = [half.result() for half in halves]
    return exports, found[0] | {"runs": found[0]["runs"] | found[1]["runs"]}


def test_every_dag_is_read(said: tuple[Exports, dict[str, Any]]) -> None:
    exports, found = said
    assert found["faults"] == {}
    assert {*found["dags"]} == {path.name for path in exports.dags.iterdir()}


@pytest.mark.parametrize("case", RUN, ids=lambda case: case.id)
def test_a_dag_does_what_a_run_does(
    case: Case, said: tuple[Exports, dict[str, Any]], pantry: None, tmp_path: Path
) -> None:
    exports, found = said
    ran, one = found["runs"][dag_name(case)], tmp_path / "one"
    try:
        run(case.path, run_dir=one, overrides=case.settings)
    except StageError:
        assert case.fails is not None
    many = exports.run_of(dag_name(case), ran["id"])
    assert kept(many, case.keeps) == kept(one, case.keeps)
    assert ran["state"] == ("success" if case.fails is None else "failed")
    if (one / "metrics").exists():
        assert measured(many) == measured(one) != []


def test_supervised_training_ends_with_the_same_bytes(
    said: tuple[Exports, dict[str, Any]], migrated: Airflow, tmp_path: Path
) -> None:
    """By the command that a person would type: `airflow dags test`."""
    exports, _ = said
    airflow = replace(migrated.twin(tmp_path / "home"), dags=exports.dags)
    assert "state=success" in airflow.command("dags", "test", "sft")
    (many,) = (exports.dags / "sft" / "runs").iterdir()
    one = tmp_path / "one"
    run(exports.recipes / "sft.yaml", run_dir=one, overrides=SMALL | {"dataset": "./chats.jsonl"})
    weights = sorted(path.relative_to(one) for path in (one / "weights").rglob("*.safetensors"))
    assert weights
    for path in weights:
        assert (many / path).read_bytes() == (one / path).read_bytes()
    assert measured(many) == measured(one) != []


def states(ran: dict[str, Any]) -> dict[str, Counter[str]]:
    """How the instances of each task ended."""
    found: dict[str, Counter[str]] = {}
    for task, _, state, _ in ran["instances"]:
        found.setdefault(task, Counter())[state] += 1
    return found


def tries(ran: dict[str, Any], task: str) -> int:
    return max(number for name, _, _, number in ran["instances"] if name == task)


def test_what_is_not_to_be_run_is_skipped(said: tuple[Exports, dict[str, Any]]) -> None:
    _, found = said
    ended = states(found["runs"]["until_loop"])
    turns = [[*each] for task, each in ended.items() if task.startswith("double-")]
    assert turns == [["success"]] * 4 + [["skipped"]] * 2
    mixed = states(found["runs"]["condition_in_a_map"])
    assert any(len(each) == 2 for each in mixed.values()), "some items go one way, some the other"


def test_a_step_is_tried_again_as_it_says(said: tuple[Exports, dict[str, Any]]) -> None:
    _, found = said
    assert tries(found["runs"]["retries"], "flaky") == 3
    hopeless = found["runs"]["retries-fails-9"]
    assert (hopeless["state"], tries(hopeless, "flaky")) == ("failed", 4)


def test_endings_run_and_the_run_has_failed(said: tuple[Exports, dict[str, Any]]) -> None:
    _, found = said
    failed = found["runs"]["endings"]
    ended = {task: [*each] for task, each in states(failed).items()}
    assert failed["state"] == "failed"
    assert ended["refuse_above"] == ["failed"]
    assert tries(failed, "refuse_above") == 1
    assert ended["on_failure"] == ended["finally"] == ["success"]
    assert ended["keep"] == ended["all-done"] == ["upstream_failed"]
    fine = {task: [*each] for task, each in states(found["runs"]["endings-most-9"]).items()}
    assert fine["on_failure"] == ["skipped"]
    assert fine["all-done"] == ["success"]


def test_airflow_2_reads_them_too(said: tuple[Exports, dict[str, Any]], tmp_path: Path) -> None:
    """The same files, and one of them run."""
    exports, found = said
    home = tmp_path / "home"
    home.mkdir()
    airflow = Airflow(installed(".venv-airflow2"), home, exports.dags).migrate()
    older = airflow.inside(["nested_maps"])
    assert older["faults"] == {}
    assert older["runs"]["nested_maps"]["state"] == "success"
    assert waiting(older) == waiting(found)


def waiting(found: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    """What each task of each DAG waits for."""
    return {
        name: {task: about["upstream"] for task, about in dag.items()}
        for name, dag in found["dags"].items()
    }
