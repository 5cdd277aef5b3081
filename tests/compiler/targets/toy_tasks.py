"""`kitchen task` for programs of toy stages: values by reference, in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from kitchen.ir.expr import EvaluationError, Value, evaluate
from kitchen.ir.places import Place, file_name, parse_place
from kitchen.ir.program import Program
from kitchen.ir.task_graph import Group, Runs, Task, TaskGraph
from kitchen.ir.types import Kind
from kitchen.runtime.calls import StageError
from kitchen.runtime.endings import run_ending
from kitchen.runtime.interpreter import Interpreter
from kitchen.runtime.ports import Workspace
from kitchen.runtime.tasks.decisions import asked, told_by
from kitchen.runtime.tasks.layout import Layout, Located
from kitchen.runtime.tasks.outcomes import Missing, Outcomes
from kitchen.runtime.tasks.values import Values
from kitchen.runtime.world import World
from tests.compiler.toy_stages import FUNCTIONS, Lines

DONE, FAILED, PREEMPTED, NOT_TO_BE_RUN = 0, 3, 75, 99


class Memory:
    """Outcomes that are not written down."""

    def __init__(self) -> None:
        self.made: dict[tuple[str, Place], Mapping[Value, Any]] = {}

    def value(self, task: str, place: Place, value: Value) -> Any:
        if (task, place) not in self.made:
            raise Missing(task, place)
        return self.made[task, place][value]


class ToyTasks:
    """Runs `kitchen task` commands of one run; `preempted` ones are stopped the first time."""

    def __init__(self, program: Program, graph: TaskGraph) -> None:
        self.layout, self.memory, self.lines = Layout(graph), Memory(), Lines()
        plan = cast(Any, SimpleNamespace(program=program))
        self.values = Values(plan, self.layout, cast(Outcomes, self.memory), FUNCTIONS)
        self.parameters = {p.value: p.setting for p in program.params}
        self.ran: list[tuple[str, Place]] = []
        self.asked = 0
        self.preempted: set[str] = set()
        self.world = World(
            functions=FUNCTIONS,
            ports={"journal": self.lines},
            workspace=Workspace(base=Path(), cache=Path()),
        )

    def __call__(self, words: list[str]) -> tuple[int, dict[str, str]]:
        kitchen, task, _, name, *options = words
        given = dict(option.removeprefix("--").split("=", 1) for option in options)
        assert (kitchen, task) == ("kitchen", "task")
        found, place = self.layout.by_name[name], parse_place(given["at"])
        if name in self.preempted:
            self.preempted.remove(name)
            return PREEMPTED, {}
        if self.values.refusal(found, place) is not None:
            return NOT_TO_BE_RUN, {}
        try:
            told = self.told(found, place)
        except (StageError, EvaluationError):
            return FAILED, {}
        folder = given.get("decisions")
        return DONE, {
            f"{folder}/{_file(key)}": value if isinstance(value, str) else json.dumps(value)
            for key, value in told.items()
            if folder is not None
        }

    def told(self, found: Located, place: Place) -> dict[str, object]:
        if isinstance(found.node, Group):
            self.asked += 1
            return asked(found, place, self.values)
        if (found.node.name, place) not in self.memory.made:
            self.memory.made[found.node.name, place] = self.run(found.node, place)
        ready = found.node.runs is Runs.READY
        return told_by(found, place, self.values) if ready else {}

    def run(self, task: Task, place: Place) -> dict[Value, Any]:
        assert (task.name, place) not in self.ran, f"{task.name} runs twice at {place}"
        self.ran.append((task.name, place))
        environment: dict[Value, Any] = dict(self.parameters)
        latest = dict(task.latest)
        for param in task.region.params:
            for value in reversed(latest.get(param, (param,))):
                if value.type.kind is Kind.HANDLE:
                    continue
                try:
                    environment[param] = self.values.value(value, place)
                    break
                except Missing:
                    assert param in latest, f"{task.name} is not given {param}"
        if task.runs is not Runs.READY:
            run_ending(task.region, self.world, environment)
            return {}
        Interpreter(self.world).run(task.region, environment)
        made = [evaluate(expr, environment.__getitem__) for expr in task.region.results]
        run_ending(task.finally_, self.world, environment)
        return dict(zip(task.outputs, made, strict=True))


def _file(key: str) -> str:
    group, dot, what = key.partition(".")
    return file_name(group) + dot + what
