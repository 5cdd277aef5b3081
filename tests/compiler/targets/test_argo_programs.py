"""Random programs on Argo do what the interpreter does, and hold together by every opinion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kitchen.compiler.targets.argo.whole import decisions_of
from kitchen.ir.program import Annotations, Program
from kitchen.ir.spec import Registry
from kitchen.ir.task_graph import Group, Node, Runs, TaskGraph
from kitchen.ir.types import BOOL
from tests.compiler.builders import (
    apply,
    branch,
    loop,
    map_over,
    program,
    region,
    span_of,
    stage,
    value,
)
from tests.compiler.laws import interpreted
from tests.compiler.partition_cases import BUSY
from tests.compiler.partition_cases import CASES as SHAPES
from tests.compiler.random_programs import random_program
from tests.compiler.targets.argo_exports import emitted, exported, workflow
from tests.compiler.targets.argo_interpreter import Argo, names_in
from tests.compiler.targets.toy_tasks import ToyTasks
from tests.compiler.toy_stages import REGISTRY

#: The last ones have what is rare: loops with `until`, told and asked, and limits.
SEEDS = (*range(40), 70, 139, 223, 231, 249, 286, 315, 388, 79, 148, 166, 208, 257, 368)


def on_argo(program: Program, registry: Registry, seed: int = 0) -> tuple[str, ToyTasks, Argo]:
    """A program run by the document that it is exported as."""
    export = exported(program, registry)
    tasks = ToyTasks(program, export.graph)
    argo = Argo(workflow(emitted(export)), tasks, seed)
    return argo.run(), tasks, argo


def faults(program: Program, registry: Registry, seed: int = 0) -> list[str]:
    """How what Argo does differs from what the interpreter does."""
    written, fault = interpreted(program)
    status, tasks, _ = on_argo(program, registry, seed)
    if fault is not None:
        return [] if status == "Failed" else [f"is {status}, and the interpreter says {fault}"]
    if (status, tasks.lines.written) != ("Succeeded", written):
        return [f"is {status}, writes {tasks.lines.written}, not {written}, as {tasks.ran}"]
    return []


@pytest.mark.parametrize("seed", SEEDS)
def test_random_programs_do_the_same(seed: int) -> None:
    program = random_program(seed, 10 + seed % 30)
    for registry in (REGISTRY, BUSY):
        assert faults(program, registry, seed) == []


@settings(max_examples=25)
@given(seed=st.integers(200, 10**9), size=st.integers(1, 40))
def test_any_random_program_does_the_same(seed: int, size: int) -> None:
    assert faults(random_program(seed, size), BUSY, seed) == []


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_does_the_same(name: str) -> None:
    assert faults(SHAPES[name](), BUSY) == []


def test_random_programs_need_all_that_argo_has() -> None:
    """They have branches, lists known and told, loops of every kind, and questions."""
    used: Counter[str] = Counter()
    for seed in SEEDS:
        program = random_program(seed, 10 + seed % 30)
        if interpreted(program)[1] is None:
            _, tasks, argo = on_argo(program, BUSY, seed)
            used.update(argo.used)
            used.update(names_of(argo) & {"next", "iteration-0"})
            used["asked"] += tasks.asked
    wanted = {"when", "withItems", "withParam", "asked", "iteration-0", "next", "limit"}
    assert {name for name, count in used.items() if count} >= wanted


def names_of(argo: Argo) -> set[str]:
    dags = [template["dag"] for template in argo.templates.values() if "dag" in template]
    return {task["name"] for dag in dags for task in dag["tasks"]}


def test_long_lists_are_counted() -> None:
    """A map of 30 places, and in each place of a loop of 55 two tasks, one after the other."""
    alone = Annotations(image="other:1")
    row, turn = value("row"), value("turn")
    many = program(
        map_over(span_of(30), region(stage("even", value("e"), value=row), params=(row,))),
        loop(
            span_of(55),
            region(
                stage("add", value("sum.1"), left=value("sum.2"), right=turn, annotations=alone),
                stage("report", value=value("sum.1"), called="so_far"),
                params=(turn, value("sum.2")),
                results=(value("sum.1"),),
            ),
            carry=(0,),
            outputs=(value("sum.3"),),
            called="turn",
        ),
        stage("report", value=value("sum.3"), called="all"),
    )
    assert faults(many, BUSY) == []
    status, tasks, argo = on_argo(many, BUSY)
    assert (status, len(tasks.lines.written)) == ("Succeeded", 55 + 1)
    assert argo.used >= {"withSequence", "limit"}
    assert argo.deepest == 4


def test_names_of_argos_own_are_free() -> None:
    """Steps may be called what templates and calls of the export's own are called."""
    alone = Annotations(image="other:1")
    turn, on = value("next"), apply(">", value("task"), -1, type=BOOL)
    body = region(
        stage("add", value("d"), left=turn, right=1, annotations=alone, called="next"),
        stage("report", value=value("d"), called="ask"),
        params=(turn,),
    )
    until = apply(">", value("d"), 2, type=BOOL)
    inner = region(
        loop(span_of(5), body, until=until, called="main"),
        stage("report", value=1, annotations=alone, called="job"),
    )
    named = program(
        stage("number", value("task"), called="number"),
        branch(on, inner, called="task"),
        stage("report", value=2, called="task_2"),
        finally_=region(stage("report", value=3, called="at_the_end")),
    )
    assert faults(named, BUSY) == []


@pytest.mark.parametrize("seed", range(10))
def test_pods_that_are_taken_away_come_again(seed: int) -> None:
    program = random_program(seed, 20)
    written, fault = interpreted(program)
    export = exported(program, BUSY)
    tasks = ToyTasks(program, export.graph)
    tasks.preempted = {task.name for task in export.graph.tasks()}
    status = Argo(workflow(emitted(export)), tasks, seed).run()
    assert status == ("Succeeded" if fault is None else "Failed")
    if fault is None:
        assert tasks.lines.written == written


# --------------------------------------------------------------------------- what it is made of


@pytest.mark.parametrize("seed", SEEDS)
def test_calls_and_their_order_are_those_of_the_task_graph(seed: int) -> None:
    export = exported(random_program(seed, 10 + seed % 30), BUSY)
    templates = {t["name"]: t for t in workflow(emitted(export))["spec"]["templates"]}
    found = Structure(templates, export.program, export.graph)
    nodes = [n for n in export.graph.nodes if isinstance(n, Group) or n.runs is Runs.READY]
    assert list(found.faults(templates["main"], nodes, export.graph)) == []
    called = [task for template in templates.values() for task in found.named(template)]
    wanted = [task.name for task in found.decisions.running(export.graph)]
    groups = {group for group, _ in found.asked}
    assert sorted(name for name in called if name not in groups) == sorted(wanted)


class Structure:
    """What the templates of an export call, beside the graph that they were made of."""

    def __init__(self, templates: dict[str, Any], program: Program, graph: TaskGraph) -> None:
        self.templates = templates
        self.decisions = decisions_of(program, graph)
        self.asked = [(name, 0) for name in _groups(graph)]

    def named(self, template: Any) -> Iterator[str]:
        """The tasks that a template calls itself."""
        for task in template.get("dag", {}).get("tasks", ()):
            given = {p["name"]: p["value"] for p in task.get("arguments", {}).get("parameters", ())}
            yield from [given["task"]] if "task" in given else []

    def reached(self, call: Any, seen: frozenset[str] = frozenset()) -> set[str]:
        """The tasks that a call runs in the end."""
        given = {p["name"]: p["value"] for p in call.get("arguments", {}).get("parameters", ())}
        if "task" in given:
            return {given["task"]}
        name = call["template"]
        if name in seen:
            return set()
        inner = self.templates[name]["dag"]["tasks"]
        return set().union(*(self.reached(each, seen | {name}) for each in inner))

    def faults(self, template: Any, nodes: list[Node], graph: TaskGraph) -> Iterator[str]:
        """Nodes that are not called as they should be, and edges that are not there."""
        calls = template["dag"]["tasks"]
        of: dict[str, list[Any]] = {}
        for node in nodes:
            inside = {node.name}
            if isinstance(node, Group):
                inside = {t.name for t in self.decisions.running(TaskGraph(nodes=(node,)))}
            of[node.name] = [call for call in calls if self.reached(call) & inside]
            if not isinstance(node, Group) and len(of[node.name]) != 1:
                yield f"{node.name} is called {len(of[node.name])} times"
            if set().union(*map(self.reached, of[node.name])) - set(_groups(graph)) != inside:
                yield f"{node.name} is not called as a whole"
        for node in nodes:
            wanted = {
                call["name"] for source in self.before(node.name, graph, of) for call in of[source]
            }
            for call in of[node.name]:
                asks = {
                    c["name"] for c in calls if self.reached(c) == {node.name} and c is not call
                }
                if names_in(call) - asks != wanted:
                    yield f"{call['name']} waits for {names_in(call)}, not {wanted}"

    def before(self, name: str, graph: TaskGraph, of: dict[str, list[Any]]) -> set[str]:
        """What a node waits for; past what never runs, what that waits for."""
        found = set()
        for edge in graph.edges:
            if edge.target == name:
                found |= {edge.source} if of[edge.source] else self.before(edge.source, graph, of)
        return found


def _groups(graph: TaskGraph) -> Iterator[str]:
    for node in graph.nodes:
        if isinstance(node, Group):
            yield node.name
            for inner in node.graphs:
                yield from _groups(inner)
