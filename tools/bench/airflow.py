"""How long Airflow takes to read an exported DAG, beside one of the same shape written by hand.

Airflow reads each file again and again, so that is what its scheduler's machine pays for a DAG.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools.bench.export import compiled, exported
from tools.bench.figure import Figure

TASKS = 1_000
PYTHON = Path(".venv-airflow/bin/python")
READER = Path(__file__).with_name("read_dags.py")

#: What a person writes: one function for all tasks, and each edge where it belongs.
HEAD = '''\
"""A thousand tasks, one after the other."""

import subprocess
from datetime import timedelta

import pendulum
from airflow.sdk import DAG, Param, get_current_context, task


@task
def kitchen(name):
    """Run one task of the plan."""
    params = get_current_context()["params"]
    folders = [f"--run={params['run']}", f"--base={params['base']}"]
    subprocess.run(["kitchen", "task", "plan.json", name, *folders], check=True)


with DAG(
    dag_id="by-hand",
    schedule=None,
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=30)},
    params={"run": Param("", type="string"), "base": Param("", type="string")},
    tags=["kitchen"],
):
'''


def by_hand(names: list[str]) -> str:
    lines = []
    for name in names:
        made = f'{name} = kitchen.override(task_id="{name}", trigger_rule="none_failed")("{name}")'
        lines.append(f"    {made}\n")
    edges = [f"    {one} >> {two}\n" for one, two in pairwise(names)]
    return HEAD + "".join(lines) + "".join(edges)


def measure() -> Iterator[Figure]:
    if not PYTHON.exists():
        print("  left out: Airflow is not installed; `make airflow` does that")
        return
    made = exported("airflow", compiled(TASKS), TASKS)
    names = [task.name for task in made.graph.tasks()]
    with TemporaryDirectory() as folder:
        ours, theirs = Path(folder, "ours.py"), Path(folder, "by_hand.py")
        ours.write_bytes(next(data for name, data in made.files.items() if name.endswith(".py")))
        theirs.write_text(by_hand(names), encoding="utf-8")
        found = read(ours, theirs, Path(folder))
    yield Figure(
        name=f"a DAG of {TASKS:,} tasks, read",
        peer="by hand",
        ours=found["ours"],
        theirs=found["theirs"],
        ratio=found["ratio"],
        unit="s",
        bound=1.2,
        note=f"Airflow {found['version']}",
    )


def read(ours: Path, theirs: Path, home: Path) -> dict[str, Any]:
    """Both files read by Airflow in one process, in alternating pairs."""
    quiet = {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
             "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600"}  # fmt: skip
    done = subprocess.run(
        [PYTHON, "-P", READER, ours, theirs],
        env={**os.environ, **quiet},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
