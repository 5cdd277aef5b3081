"""Plans of tasks as files: exact both ways, and what is none is refused with a code."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitchen.compiler.partition import partition
from kitchen.ir.places import LONGEST, file_name, parse_place, place_text
from kitchen.ir.program import Program
from kitchen.ir.serde import digest
from kitchen.ir.serde.plan import Plan, PlanError, plan_bytes, plan_to_json, read_plan
from kitchen.ir.task_graph import Task, TaskGraph
from kitchen.ir.walk import walk
from tests.compiler.partition_cases import BUSY, CASES
from tests.compiler.random_programs import PAPER, random_program

PROGRAMS = [*(make() for make in CASES.values()), *map(random_program, range(60))]


def cut(program: Program) -> TaskGraph:
    return partition(program, BUSY)[0]


def content(program: Program) -> dict[str, Any]:
    return plan_to_json(program, cut(program), recipe=PAPER, base="..", overrides={"a": "b"})


def through_file(program: Program) -> Plan:
    return read_plan(plan_bytes(content(program)))


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_plans_come_back_as_they_were(number: int) -> None:
    program = PROGRAMS[number]
    graph, plan = cut(program), through_file(program)
    assert plan.graph == graph
    assert spans(plan.graph) == spans(graph)
    assert plan.program.params == program.params
    assert plan.digest == digest(program)
    assert (plan.base, plan.overrides, plan.recipe) == ("..", {"a": "b"}, PAPER)
    again = plan_to_json(program, plan.graph, recipe=PAPER, base="..", overrides={"a": "b"})
    assert plan_bytes(again) == plan_bytes(content(program))


def spans(graph: TaskGraph) -> list[object]:
    """Everything that rides along, and does not count when two graphs are compared."""
    tasks = [task for task in graph.tasks() if isinstance(task, Task)]
    return [(op.name, op.span) for task in tasks for op in walk(task.region)]


@given(data=st.data())
def test_a_changed_plan_is_no_plan(data: st.DataObject) -> None:
    """Whatever one byte becomes: another plan is never read, and nothing else goes wrong."""
    written = bytearray(plan_bytes(content(CASES["guarded"]())))
    at = data.draw(st.integers(0, len(written) - 1))
    written[at] = data.draw(st.integers(0, 255))
    before = through_file(CASES["guarded"]())
    assert read(bytes(written)) in (before, "K502", "K503", "K504")


def read(data: bytes) -> Plan | str:
    """A plan, or the code of what is wrong with it."""
    try:
        return read_plan(data)
    except PlanError as error:
        return error.code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "K502"),
        (b"[]", "K502"),
        (b'{"version": 1, "ops": []}', "K502"),
        (b"[" * 100_000, "K502"),
        (b'{"version": 2, "tasks": {}, "checksum": ""}', "K503"),
        (b'{"version": 1, "tasks": {}, "checksum": ""}', "K504"),
    ],
)
def test_what_is_no_plan(data: bytes, code: str) -> None:
    assert read(data) == code


@given(st.lists(st.integers(0, 10**6)).map(tuple))
def test_places_are_read_as_they_are_written(place: tuple[int, ...]) -> None:
    assert parse_place(place_text(place)) == place


@pytest.mark.parametrize("text", ["-1", "1.", ".", "a", "01", "1..2", " 1", "1\n", "¹", "+1"])
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(ValueError, match="is no place"):
        parse_place(text)


@given(st.lists(st.text("ab/_x☃", min_size=1, max_size=400), unique=True, max_size=20))
def test_names_of_files_are_short_and_differ(names: list[str]) -> None:
    files = [file_name(name) for name in names]
    assert len(set(files)) == len(files)
    assert all("/" not in file and len(file.encode()) <= LONGEST for file in files)
