"""Programs run in tasks, as a real run is: plan file, values from the folder, one attempt after
the other; but in this process, or in a fork of it that may be killed.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from kitchen.compiler.partition import partition
from kitchen.ir.expr import Value
from kitchen.ir.places import Place, instance_key
from kitchen.ir.program import Binding, Program
from kitchen.ir.serde.plan import Plan, plan_bytes, plan_to_json, read_plan
from kitchen.ir.spec import Registry
from kitchen.ir.task_graph import Task
from kitchen.runtime import store
from kitchen.runtime.adapter import Adapter, NoConfig
from kitchen.runtime.calls import Environment, StageError
from kitchen.runtime.interpreter import Interpreter
from kitchen.runtime.ports import Workspace
from kitchen.runtime.signals import StopRequest
from kitchen.runtime.tasks.instance import DONE, NOT_TO_BE_RUN, Instances
from kitchen.runtime.tasks.local import LocalRun
from kitchen.runtime.world import World
from tests.compiler.laws import interpreted as by_interpreter
from tests.compiler.random_programs import PAPER
from tests.compiler.toy_stages import FUNCTIONS, Lines
from tests.runtime.faulty_disk import FaultySystem

CODES = {DONE: 0, NOT_TO_BE_RUN: 99}
KILLED, FAILED = -9, 3


class FileLines(Lines):
    """The journal of the toys in a folder: each task has a part, which can be taken back."""

    def __init__(self, config: NoConfig, workspace: Workspace) -> None:
        super().__init__()
        assert workspace.run is not None
        self._path = workspace.run / "lines" / f"{workspace.part}.json"
        if self._path.exists():
            self.written = json.loads(self._path.read_text())

    def flush(self) -> None:
        store.commit_file(self._path, json.dumps(self.written).encode())

    def position(self) -> int:
        return len(self.written)

    def rewind(self, position: int) -> None:
        del self.written[position:]


LINES = Adapter(port="journal", name="lines", target=f"{__name__}:FileLines")
TOYS: Mapping[str, Any] = {"functions": FUNCTIONS, "adapters": {"journal": {"lines": LINES}}}


def plan_of(program: Program, registry: Registry, whole: Mapping[str, str] | None = None) -> Plan:
    """The plan of a toy program, through its file."""
    bound = replace(program, bindings=(Binding(port="journal", adapter="lines"),))
    graph, faults = partition(bound, registry, whole)
    assert not faults
    return read_plan(plan_bytes(plan_to_json(bound, graph, recipe=PAPER)))


@dataclass
class InProcess:
    """A run of a program in tasks. `kill` is how often, of 1, an attempt is killed.

    `installed` are the functions and adapters to run it with: by default those of the toys.
    """

    plan: Plan
    folder: Path
    seed: int = 0
    kill: float = 0.0
    base: Path = Path()
    installed: Mapping[str, Any] = field(default_factory=lambda: TOYS)
    launched: Counter[str] = field(default_factory=Counter)
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.folder.mkdir(parents=True, exist_ok=True)

    def instances(self) -> Instances:
        """What one process knows: nothing but what lies in the folder."""
        return Instances(
            plan=self.plan,
            run=self.folder,
            base=self.base,
            cache=self.folder / "cache",
            **self.installed,
        )

    def run(self) -> int:
        """Run all of it in a random order that the edges allow; gives the exit code."""
        run = LocalRun(
            values=self.instances().values, launch=self.launch, parallel=99, stop=StopRequest()
        )
        return asyncio.run(run.run())

    async def launch(self, task: Task, place: Place) -> int:
        for _ in range(self.random.randrange(6)):
            await asyncio.sleep(0)
        self.launched[instance_key(task.name, place)] += 1
        if not self.kill:
            return self.go(task.name, place)
        while (code := self._fork(task.name, place)) == KILLED:
            pass
        return code

    def go(self, name: str, place: Place) -> int:
        instances = self.instances()
        try:
            return CODES[instances.go(instances.layout.by_name[name], place)]
        except StageError:
            return FAILED

    def _fork(self, name: str, place: Place) -> int:
        """One attempt in a process of its own, which is killed at a call to the disk, or not."""
        at = self.random.randrange(1, 80) if self.random.random() < self.kill else 0
        child = os.fork()
        if child == 0:
            code = 70
            try:
                store.system = FaultySystem(at=at, fault="sigkill").system()
                code = self.go(name, place)
            finally:
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    @property
    def written(self) -> list[str]:
        """The lines of all tasks, in the order of their parts."""
        parts = sorted((self.folder / "lines").glob("*.json"))
        return [line for part in parts for line in json.loads(part.read_text())]

    def made(self) -> dict[Value, Any]:
        """What the nodes at the top made, as any task would read it."""
        values = self.instances().values
        return {
            value: values.value(value, ())
            for node in self.plan.graph.nodes
            for value in node.outputs
        }


def interpreted(program: Program) -> tuple[Environment, list[str], str | None]:
    """What the interpreter makes and writes in one process, and what goes wrong in it."""
    written, fault = by_interpreter(program)
    world = World(
        functions=FUNCTIONS,
        ports={"journal": Lines()},
        workspace=Workspace(base=Path(), cache=Path()),
    )
    environment: Environment = {p.value: p.setting for p in program.params}
    if fault is None:
        Interpreter(world).run(program.body, environment)
    return environment, written, fault
