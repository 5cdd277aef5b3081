"""Tasks as pods, by Airflow's own Kubernetes provider, on an API that runs them as processes."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kitchen.api import run
from kitchen.runtime.calls import StageError
from tests.conftest import Golden
from tests.targets.airflow.cluster import Cluster, connection, described, serving
from tests.targets.airflow.exports import Exports, dag_name
from tests.targets.airflow.installation import Airflow
from tests.targets.airflow.test_dag_file import FULL
from tests.targets.cases import CASES, RECIPES, Case, environment, kept

pytestmark = pytest.mark.slow

#: Branches, unrolled loops, endings and attempts. A map that is told needs a container beside.
SHOWN = ("condition-value-2", "until_loop-goal-100-most-2", "endings", "retries")


def plain(text: str) -> str:
    """Without what differs from run to run."""
    text = re.sub(r"(?<=[a-z])-[a-z0-9]{8}\b(?=\")", "-SUFFIX", text)
    text = re.sub(r"manual__[^\"]*|\d{4}-\d\d-\d\d[^\"]*", "RUN", text)
    return re.sub(r'"(airflow_version|airflow_kpo[^"]*)": "[^"]*"', r'"\1": "ANY"', text)


def test_pods_do_what_a_run_does(
    migrated: Airflow, exports: Exports, tmp_path: Path, golden: Golden
) -> None:
    cases = [case for case in CASES if dag_name(case) in SHOWN]
    settings = {name: value for name, value in FULL.items() if name != "pool"}
    names = [exports.case(case, settings) for case in cases]
    assert sorted(names) == sorted(SHOWN)
    mounted = {
        name: {"/kitchen/plan": str(exports.dags / name), "/data/runs": str(tmp_path / name),
               "/data": str(exports.recipes)}
        for name in names
    }  # fmt: skip
    cluster = Cluster(mounted, environment() | {"PATH": migrated.environment["PATH"]})
    home = replace(migrated.twin(tmp_path / "home"), dags=exports.dags)
    with serving(cluster, tmp_path) as kubeconfig:
        found = replace(home, settings=connection(kubeconfig)).inside(names)
    assert found["faults"] == {}
    for case, name in zip(cases, names, strict=True):
        compare(case, found["runs"][name], tmp_path / name, tmp_path / f"one-{name}")
    assert tries(found["runs"]["retries"], "flaky") == 3
    assert tries(found["runs"]["endings"], "refuse_above") == 1
    assert len(cluster.deleted) == len(cluster.asked) > 20, "every pod is deleted"
    (pod,) = (pod for pod in cluster.asked if "flaky" in json.dumps(pod) and is_first(pod))
    assert plain(json.dumps(pod, indent=2)) == golden("json")


def is_first(pod: dict[str, Any]) -> bool:
    return bool(pod["metadata"]["labels"]["try_number"] == "1")


def test_the_pods_of_a_map(
    migrated: Airflow, exports: Exports, tmp_path: Path, golden: Golden
) -> None:
    """One task tells the places in a file that a container beside hands on; each has a pod."""
    exports.recipe(RECIPES / "map.yaml", "map", {}, FULL)
    nowhere = connection(described(tmp_path / "kubeconfig.json", "http://127.0.0.1:1"))
    found = replace(migrated, dags=exports.dags, settings=nowhere).inside()
    assert found["faults"] == {}
    pods = {name: found["pods"]["map"][name] for name in ("words", "weigh")}
    assert plain(json.dumps(pods, indent=2)) == golden("json")


def compare(case: Case, ran: dict[str, Any], runs: Path, one: Path) -> None:
    assert ran["state"] == ("success" if case.fails is None else "failed"), ran
    try:
        run(case.path, run_dir=one, overrides=case.settings)
    except StageError:
        assert case.fails is not None
    assert kept(runs / ran["id"], case.keeps) == kept(one, case.keeps) != {}
    if case.recipe == "condition":
        ended = Counter(state for _, _, state, _ in ran["instances"])
        assert ended["skipped"] > 0, "a way that is not taken"


def tries(ran: dict[str, Any], task: str) -> int:
    return max(number for name, _, _, number in ran["instances"] if name == task)
