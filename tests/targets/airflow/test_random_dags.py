"""Random programs as DAGs do what the interpreter does, in whatever order their edges allow.

The emitted file is executed as it is: `airflow` is a fake, and so is the process that
`kitchen task` would be, but what it does is what `kitchen task` does.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kitchen.compiler.export import tasks_for
from kitchen.compiler.targets import TARGETS
from kitchen.compiler.targets.airflow.dag_file import dag_file
from kitchen.compiler.targets.airflow.lowering import Lowering
from kitchen.compiler.targets.airflow.naming import task_id
from kitchen.compiler.targets.airflow.settings import Settings
from kitchen.compiler.targets.target import Exported
from kitchen.ir.places import file_name, parse_place
from kitchen.ir.program import Binding, Program
from kitchen.ir.serde.plan import plan_bytes, plan_to_json, read_plan
from kitchen.ir.task_graph import Group, Runs
from kitchen.runtime import store
from kitchen.runtime.calls import StageError
from kitchen.runtime.tasks.decisions import asked, everywhere, told_by
from tests.compiler.partition_cases import BUSY, CASES
from tests.compiler.random_programs import PAPER, random_program
from tests.runtime.faulty_disk import UNFORCED
from tests.runtime.tasks.toys import InProcess, interpreted
from tests.targets.airflow.fake import FAILED, SUCCESS, DagRun, read

ENDED = (SUCCESS, FAILED)


@pytest.fixture(autouse=True)
def unforced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "system", UNFORCED)


def exported(program: Program) -> Exported:
    bound = replace(program, bindings=(Binding(port="journal", adapter="lines"),))
    graph, _, faults = tasks_for(TARGETS["airflow"], bound, BUSY)
    assert not faults
    plan = plan_bytes(plan_to_json(bound, graph, recipe=PAPER))
    return Exported(program=bound, graph=graph, plan=plan)


def source_of(export: Exported) -> str:
    return dag_file(export, Lowering(export.program).whole(export.graph), Settings())


class Process:
    """A `kitchen task` that is done when it begins."""

    def __init__(self, run: InProcess, command: list[str]) -> None:
        self.stdout: list[str] = []
        try:
            self.code = task(run, command)
        except StageError:
            self.code = 3

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def wait(self) -> int:
        return self.code

    poll = wait


def task(run: InProcess, command: list[str]) -> int:
    """What `kitchen task` does, in this process."""
    program, verb, _, name, *words = command
    assert (program, verb) == ("kitchen", "task")
    options = dict(word.removeprefix("--").partition("=")[::2] for word in words)
    place = parse_place(options.get("at", ""))
    instances = run.instances()
    found, values = instances.layout.by_name[name], instances.values
    assert len(place) == (0 if "every" in options else found.depth)
    if "every" not in options and values.refusal(found, place):
        return 99
    if isinstance(found.node, Group):
        told = everywhere(found, values) if "every" in options else asked(found, place, values)
    else:
        code = run.go(name, place)
        if code != 0:
            return code
        told = told_by(found, place, values) if found.node.runs is Runs.READY else {}
    named = {file_name(key.partition(".")[0]): value for key, value in told.items()
             if "." not in key}  # fmt: skip
    Path(options["decisions-json"]).write_text(json.dumps(named))
    return 0


def ran(program: Program, folder: Path, seed: int) -> tuple[str, InProcess, DagRun]:
    """Export a program, and run its DAG."""
    export = exported(program)
    dag, namespace = read(source_of(export), str(folder / "dag.py"))
    run = InProcess(read_plan(export.plan), folder / "run", seed=seed)

    class Subprocess:
        PIPE = STDOUT = TimeoutExpired = None

        @staticmethod
        def Popen(command: list[str], **_: Any) -> Process:
            return Process(run, command)

    namespace["subprocess"] = Subprocess
    made = DagRun(dag, Random(seed))
    return made.run(), run, made


def faults(program: Program, folder: Path, seed: int) -> list[str]:
    """How a program as a DAG differs from one that is interpreted."""
    environment, written, fault = interpreted(program)
    state, run, made = ran(program, folder, seed)
    if fault is not None:
        found = [] if state == "failed" else [f"ends as {state}, and not with {fault}"]
        endings = [task for task in run.plan.graph.tasks() if task.runs is not Runs.READY]
        left = [task.name for task in endings if made.states[task_id(task.name)] not in ENDED]
        return found + [f"{name} is not run at the end" for name in left]
    if state != "success":
        return [f"ends as {state}"]
    found = [] if run.written == written else [f"writes {run.written}, not {written}"]
    return found + [
        f"{value} is {held!r}, not {environment[value]!r}"
        for value, held in run.made().items()
        if value in environment and repr(held) != repr(environment[value])
    ]


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str, tmp_path: Path) -> None:
    assert faults(CASES[name](), tmp_path, 0) == []


@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed: int, tmp_path: Path) -> None:
    program = random_program(seed, 14 + seed % 30)
    assert faults(program, tmp_path, seed) == []
