"""Task graphs run by hand: one task after the other, each given no more than its edges bring."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

from kitchen.ir.expr import Expr, Value, evaluate
from kitchen.ir.program import Branch, Loop, Map, Program
from kitchen.ir.task_graph import Group, Node, Runs, Task, TaskGraph
from kitchen.ir.types import Kind
from kitchen.runtime.endings import run_ending
from kitchen.runtime.interpreter import Interpreter
from kitchen.runtime.ports import Workspace
from kitchen.runtime.world import World
from tests.compiler.toy_stages import FUNCTIONS, Lines

Values = Mapping[Value, Any]


class Tasks:
    """Runs the tasks of a program in a random order that their edges allow."""

    def __init__(self, program: Program, seed: int = 0) -> None:
        self.parameters = {p.value: p.setting for p in program.params}
        self.random = Random(seed)
        self.lines = Lines()
        self.made: dict[Value, Any] = {}
        self.ran: list[str] = []
        self.world = World(
            functions=FUNCTIONS,
            ports={"journal": self.lines},
            workspace=Workspace(base=Path(), cache=Path()),
        )

    def graph(self, graph: TaskGraph, around: Values) -> dict[Value, Any]:
        """Run a graph; gives what its nodes made."""
        nodes = {node.name: node for node in graph.nodes}
        made: dict[str, Values] = {}
        found: dict[Value, Any] = {}
        while len(made) < len(nodes):
            ready = [
                name for name in nodes if name not in made and self.is_ready(name, graph, made)
            ]
            assert ready, f"{sorted(nodes.keys() - made.keys())} wait for each other"
            name = self.random.choice(ready)
            given = dict(around)
            for edge in graph.edges:
                if edge.target == name:
                    given |= {value: made[edge.source][value] for value in edge.values}
            made[name] = self.node(nodes[name], given)
            found |= made[name]
        return found

    def is_ready(self, name: str, graph: TaskGraph, made: Mapping[str, Values]) -> bool:
        node = next(node for node in graph.nodes if node.name == name)
        waits = [edge.source for edge in graph.edges if edge.target == name]
        if isinstance(node, Task) and node.runs is not Runs.READY:
            body = [n.name for n in graph.nodes if isinstance(n, Group) or n.runs is Runs.READY]
            waits += body
        return all(source in made for source in waits)

    def node(self, node: Node, given: Values) -> Values:
        self.ran.append(node.name)
        return self.task(node, given) if isinstance(node, Task) else self.group(node, given)

    def task(self, task: Task, given: Values) -> Values:
        if task.runs is Runs.FAILED:
            return {}
        entering = {versions[-1]: param for param, versions in task.latest if versions}
        environment: dict[Value, Any] = dict(self.parameters)
        for value in (*task.region.params, *entering):
            if value in given:
                assert value.type.kind is not Kind.HANDLE, f"{value} enters {task.name}"
                environment[value] = deepcopy(given[value])
        if task.runs is Runs.ALWAYS:
            run_ending(task.region, self.world, environment)
            return {}
        missing = [value for value in task.region.params if value not in environment]
        assert not missing, f"{task.name} is not given {missing}"
        Interpreter(self.world).run(task.region, environment)
        outputs = [self.read(expr, environment) for expr in task.region.results]
        run_ending(task.finally_, self.world, environment)
        made = dict(zip(task.outputs, outputs, strict=True))
        assert all(value.type.kind is not Kind.HANDLE for value in made)
        return {value: deepcopy(held) for value, held in made.items()}

    def group(self, group: Group, given: Values) -> Values:
        known = self.parameters | {value: given[value] for value in group.reads}
        match group.op:
            case Branch() as op:
                side = 0 if self.read(op.condition, known) else 1
                region = (op.then, op.orelse)[side]
                inside = known | self.graph(group.graphs[side], known)
                found = [self.read(expr, inside) for expr in region.results]
            case Map() as op:
                rows = []
                for item in self.read(op.over, known):
                    own = known | {op.body.params[0]: item}
                    own |= self.graph(group.graphs[0], own)
                    rows.append([self.read(expr, own) for expr in op.body.results])
                found = [list(column) for column in zip(*rows, strict=True)]
                found = found or [[] for _ in op.outputs]
            case Loop() as op:
                found = self.loop(op, group.graphs[0], known)
        return dict(zip(group.outputs, found, strict=True))

    def loop(self, op: Loop, graph: TaskGraph, known: Values) -> list[Any]:
        carried = [self.read(expr, known) for expr in op.carry]
        assert op.over is not None
        items = list(self.read(op.over, known))
        most = len(items) if op.max is None else self.read(op.max, known)
        for item in items[: max(most, 0)]:
            own = {**known, **dict(zip(op.body.params, (item, *carried), strict=True))}
            own |= self.graph(graph, own)
            carried = [self.read(expr, own) for expr in op.body.results]
            if op.until is not None and self.read(op.until, own):
                break
        return carried

    def read(self, expr: Expr, values: Values) -> Any:
        return evaluate(expr, values.__getitem__)
