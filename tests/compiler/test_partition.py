"""Every partition obeys the laws, on every case and on random programs; mutants do not."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kitchen.cli.tasks_text import tasks_text
from kitchen.cli.terminal import Page
from kitchen.compiler.partition import partition
from kitchen.compiler.partition.annotations import amount
from kitchen.compiler.partition.as_json import tasks_of
from kitchen.compiler.partition.clusters import Clusters, contract_cycles, in_order
from kitchen.ir.program import Program
from kitchen.ir.render import render_text
from kitchen.ir.spec import Registry
from kitchen.ir.task_graph import Because, Runs, TaskGraph
from tests.cli.conftest import undigested
from tests.compiler.builders import program, stage, value
from tests.compiler.mutant_partitions import UNLAWFUL, UNWANTED, mutant
from tests.compiler.partition_cases import BUSY, CASES, two_images, with_fields
from tests.compiler.random_programs import random_program
from tests.compiler.task_laws import LAWS, groups
from tests.compiler.task_runner import Tasks
from tests.compiler.test_laws import pipeline
from tests.compiler.toy_stages import REGISTRY
from tests.conftest import Golden

SEEDS = range(40)


def cut(program: Program, registry: Registry = BUSY) -> TaskGraph:
    graph, faults = partition(program, registry)
    assert not faults
    return graph


def faults(program: Program, registry: Registry = BUSY) -> list[str]:
    graph = cut(program, registry)
    return [fault for law in LAWS for fault in law(program, graph)]


@cache
def pool() -> tuple[Program, ...]:
    return (*(make() for make in CASES.values()), *map(random_program, range(120)))


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str, golden: Golden) -> None:
    program = CASES[name]()
    assert faults(program) == []
    text = tasks_text(tasks_of(program, cut(program)), Page())
    assert undigested(text) == golden("txt", name=name)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_programs_obey_the_laws(seed: int) -> None:
    program = random_program(seed, 14 + seed)
    for registry in (REGISTRY, BUSY):
        assert faults(program, registry) == []
        assert faults(pipeline(program, REGISTRY), registry) == []
        assert faults(with_fields(program), registry) == []


@settings(max_examples=50)
@given(seed=st.integers(200, 10**9), size=st.integers(1, 40))
def test_any_random_program_obeys_the_laws(seed: int, size: int) -> None:
    assert faults(random_program(seed, size)) == []


def test_random_programs_are_worth_cutting() -> None:
    """They have groups of every kind, and tasks that are together for every reason."""
    found: Counter[object] = Counter()
    for graph in map(cut, pool()):
        found.update(type(group.op).__name__ for group in groups(graph))
        for task in graph.tasks():
            found.update(reason.because for reason in task.reasons)
            found[task.runs] += 1
            found["repeated"] += bool(task.repeated)
            found["ended"] += bool(task.finally_.ops)
    reasons = set(Because) - {Because.ENDING}
    wanted = {"Branch", "Map", "Loop", "repeated", "ended", *reasons, *Runs}
    assert {each for each in wanted if found[each] < 5} == set()


@pytest.mark.parametrize("name", UNLAWFUL)
def test_the_laws_catch_mutants(name: str) -> None:
    with mutant(UNLAWFUL[name]):
        assert any(is_unlawful(program) for program in pool())


def is_unlawful(program: Program) -> bool:
    graph, _ = partition(program, BUSY)
    return any(law(program, graph) for law in LAWS)


@pytest.mark.parametrize("name", UNWANTED)
def test_the_cases_catch_mutants(name: str) -> None:
    right = [cut(make()) for make in CASES.values()]
    with mutant(UNWANTED[name]):
        assert [partition(make(), BUSY)[0] for make in CASES.values()] != right


def test_what_the_tasks_make_is_what_the_program_makes() -> None:
    program = CASES["fan_in"]()
    tasks = Tasks(program)
    made = {str(value): held for value, held in tasks.graph(cut(program), {}).items()}
    assert made["%found"] == [7 + index for index in range(7)]
    assert tasks.lines.written == [str(sum(range(7, 14)))]


def test_one_handle_in_two_images_is_refused(golden: Golden) -> None:
    _, found = partition(two_images(), BUSY)
    assert render_text(found) == golden


def test_a_program_without_steps_has_no_tasks() -> None:
    assert cut(program()) == TaskGraph()


def test_a_condition_is_computed_by_its_producer() -> None:
    """What a group goes by is computed by the task that makes what it reads."""
    graph = cut(CASES["guarded"]())
    (group,) = groups(graph)
    (maker,) = (edge.source for edge in graph.edges if edge.values[0].name == "if.condition")
    assert maker == "judge"
    assert dict(group.clauses) == {"condition": "score.good"}


def test_the_counter_example() -> None:
    """A and B by handle, and C between them by artifact: one task, and it says why."""
    (task,) = (t for t in cut(CASES["there_and_back"]()).tasks() if len(t.region.ops) > 1)
    assert [op.name for op in task.region.ops] == ["a", "peek", "c", "b"]
    assert Because.CYCLE in {reason.because for reason in task.reasons}


def test_writes_are_ordered_by_as_many_edges_as_there_are_writes() -> None:
    ops = []
    for index in range(300):
        ops.append(stage("sense", value(f"x{index}"), called=f"s{index}"))
        ops.append(stage("report", value=value(f"x{index}"), called=f"r{index}"))
    graph = cut(program(*ops))
    assert len(graph.nodes) == 599, "the first two are in a line"
    assert len(graph.edges) == 299 + 299


def test_cycles_are_contracted_and_no_more() -> None:
    clusters, ways = Clusters(6), []
    edges = [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 5)]
    contract_cycles(clusters, clusters.quotient(edges), ways.append)
    assert list(clusters.members().values()) == [[0, 1, 2], [3], [4], [5]]
    assert ways == [[0, 1, 2, 0]]
    order = in_order(clusters.quotient(edges))
    assert order == sorted(order)


def test_amounts_of_memory_are_compared_by_size() -> None:
    amounts = ["1k", "1Ki", "900Mi", "1G", "1Gi", "2T"]
    assert all(amount(small) < amount(large) for small, large in pairwise(amounts))
