"""Exported DAGs under a real scheduler: what they do is what `kitchen run` does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kitchen.api import run
from kitchen.runtime.calls import StageError
from tests.architecture import ROOT
from tests.recipes.running import write_chats
from tests.targets.airflow.exports import Exports, dag_name
from tests.targets.airflow.installation import Airflow
from tests.targets.airflow.scheduled import scheduled
from tests.targets.airflow.test_dag_runs import SMALL
from tests.targets.cases import CASES, kept
from tests.targets.test_parity import measured

pytestmark = pytest.mark.slow

CONTROL = [
    next(case for case in CASES if dag_name(case) == name) for name in ("nested_maps", "endings")
]


def test_under_a_scheduler(migrated: Airflow, exports: Exports, tmp_path: Path) -> None:
    write_chats(exports.recipes / "chats.jsonl")
    settings = SMALL | {"dataset": "./chats.jsonl"}
    names = [exports.recipe(ROOT / "recipes" / "sft.yaml", "sft", settings)]
    names += map(exports.case, CONTROL)
    airflow = replace(migrated.twin(tmp_path / "home"), dags=exports.dags)
    with scheduled(airflow, tmp_path / "logs") as running:
        for name in names:
            running.trigger(name, f"run-of-{name}")
        ended = {name: running.ended(name) for name in names}
        said = running.said()
    assert ended == {"sft": "success", "nested_maps": "success", "endings": "failed"}, said

    one, many = tmp_path / "one", exports.run_of("sft", "run-of-sft")
    run(exports.recipes / "sft.yaml", run_dir=one, overrides=settings)
    weights = sorted(path.relative_to(one) for path in (one / "weights").rglob("*.safetensors"))
    assert weights
    for path in weights:
        assert (many / path).read_bytes() == (one / path).read_bytes()
    assert measured(many) == measured(one) != []

    for case in CONTROL:
        one = tmp_path / f"one-{case.recipe}"
        try:
            run(case.path, run_dir=one, overrides=case.settings)
        except StageError:
            assert case.fails is not None
        many = exports.run_of(dag_name(case), f"run-of-{dag_name(case)}")
        assert kept(many, case.keeps) == kept(one, case.keeps) != {}
