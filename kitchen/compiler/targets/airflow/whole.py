"""What Airflow cannot be told to run in tasks of their own, and so stays in one task.

Airflow has no loops and cannot nest maps. A loop is unrolled where the number of its rounds has a
small bound; maps in maps are fanned out flat. What is left runs inside of a task, where kitchen
itself goes round.
"""

from __future__ import annotations

from collections.abc import Mapping

from kitchen.ir.deciding import known, read_by
from kitchen.ir.expr import EvaluationError, Expr, Value
from kitchen.ir.program import Branch, Loop, Map, Program
from kitchen.ir.task_graph import Group, Task, TaskGraph

MOST = 100  #: tasks that one loop is unrolled to

Parameters = Mapping[Value, object]


def kept_whole(program: Program, graph: TaskGraph) -> Mapping[str, str]:
    """The ops that stay in one task, with the reason in words."""
    parameters = {parameter.value: parameter.setting for parameter in program.params}
    found: dict[str, str] = {}
    _size(graph, parameters, (), found)
    return found


def rounds_of(op: Loop, parameters: Parameters) -> int | None:
    """The most rounds that a loop can go, as far as it is known before the run."""
    bounds = [_length(op.over, parameters), _number(op.max, parameters)]
    given = [max(bound, 0) for bound in bounds if bound is not None]
    return min(given, default=None)


def _size(
    graph: TaskGraph, parameters: Parameters, around: tuple[str, ...], found: dict[str, str]
) -> int:
    """The tasks of Airflow that a graph becomes. What stays whole is noted, and counts as one."""
    total = 0
    for node in graph.nodes:
        total += 1 if isinstance(node, Task) else _group(node, parameters, around, found)
    return total


def _group(
    group: Group, parameters: Parameters, around: tuple[str, ...], found: dict[str, str]
) -> int:
    reason = _refused(group, parameters, around)
    if reason is not None:
        found[group.op.name] = reason
        return 1
    match group.op:
        case Branch():
            return sum(_size(arm, parameters, around, found) for arm in group.graphs)
        case Map():
            return _size(group.graphs[0], parameters, (*around, "map"), found) + 2
        case Loop() as op:
            return _loop(group, rounds_of(op, parameters) or 0, parameters, around, found)


def _loop(
    group: Group, rounds: int, parameters: Parameters, around: tuple[str, ...],
    found: dict[str, str],
) -> int:  # fmt: skip
    """A loop that is unrolled; where it would be too much, without the loops inside of it."""
    inside: dict[str, str] = {}
    size = rounds * _size(group.graphs[0], parameters, (*around, "loop"), inside)
    name = group.op.name
    if size > MOST:
        reason = (
            f"`{name}` unrolled would be {size} tasks, of which Airflow is given {MOST} at most"
        )
        found[name] = reason
        return 1
    found.update(inside)
    return size


def _refused(group: Group, parameters: Parameters, around: tuple[str, ...]) -> str | None:
    """Why a group cannot be tasks of its own, whatever is inside of it."""
    name = group.op.name
    match group.op:
        case Loop() as op if rounds_of(op, parameters) is None:
            return (
                f"how often `{name}` goes round is known in the run alone, and Airflow has no loops"
            )
        case Map(max_parallel=most) if most is not None and _number(most, parameters) is None:
            return f"`max_parallel` of `{name}` is known in the run alone, and Airflow asks before"
        case Map() if {"map", "loop"} <= set(around):
            return f"`{name}` is a map in a map in a loop, and Airflow nests none of them"
    return None


def _length(over: Expr | None, parameters: Parameters) -> int | None:
    items = _known(over, parameters)
    return len(items) if isinstance(items, list | range) else None


def _number(expr: Expr | None, parameters: Parameters) -> int | None:
    number = _known(expr, parameters)
    return number if isinstance(number, int) else None


def _known(expr: Expr | None, parameters: Parameters) -> object:
    """What a clause comes to before the run; None where it does not."""
    if expr is None or read_by((expr,), parameters):
        return None
    try:
        return known(expr, parameters)
    except EvaluationError:
        return None
