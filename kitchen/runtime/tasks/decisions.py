"""What an engine is told of a program: booleans, and lists of places. Values never reach it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from kitchen.ir.deciding import clauses_of, read_by, teller
from kitchen.ir.expr import Expr
from kitchen.ir.places import Place, file_name, place_text
from kitchen.ir.program import Branch, Loop, Map
from kitchen.ir.task_graph import Group
from kitchen.runtime import store
from kitchen.runtime.tasks.layout import Located
from kitchen.runtime.tasks.outcomes import TaskError
from kitchen.runtime.tasks.values import Values

Decisions = dict[str, object]  #: by the name of a group, and what is asked of it


def told_by(found: Located, place: Place, values: Values) -> Decisions:
    """What a task that is done tells: of the groups that go by what it makes."""
    told: Decisions = {}
    for node in found.graph.nodes:
        if isinstance(node, Group) and _tells(found, clauses_of(node), values):
            told |= decided(node, place, values)
    if found.path:
        group, _ = found.path[-1]
        until = group.op.until if isinstance(group.op, Loop) else None
        if until is not None and _tells(found, (until,), values):
            told |= after(group, place, values)
    return told


def _tells(found: Located, clauses: tuple[Expr, ...], values: Values) -> bool:
    read = read_by(clauses, values.parameters)
    return teller(read, found.graph) is found.node


def decided(group: Group, place: Place, values: Values) -> Decisions:
    """What a group at a place goes by, before anything of it runs."""
    if isinstance(group.op, Branch):
        return {group.name: values.arm(group, place) == 0}
    return _listed(group, values.places(group, place))


def after(group: Group, place: Place, values: Values) -> Decisions:
    """Whether a loop goes on after the iteration at a place, and where."""
    *outer, index = place
    following = (*outer, index + 1)
    again = index + 1 < values.count(group, tuple(outer)) and not values.is_over(group, place)
    return {
        f"{group.name}.again": again,
        f"{group.name}.next": place_text(following) if again else "",
    }


def asked(found: Located, place: Place, values: Values) -> Decisions:
    """What a group answers: before it, or, at the place of an iteration, after that."""
    group = found.node
    assert isinstance(group, Group)
    if len(place) == found.depth:
        return decided(group, place, values)
    return after(group, place, values)


def everywhere(found: Located, values: Values) -> Decisions:
    """The places of a map or loop under all instances of what is around it, as one list."""
    group = found.node
    assert isinstance(group, Group)
    if isinstance(group.op, Branch):
        raise TaskError(
            "K506",
            f"`{group.name}` is a branch, which has no list of places",
            "`--every` is for maps and loops; a branch is asked at each place",
        )
    around = list(places_of(found, values))
    return _listed(group, [inner for outer in around for inner in values.places(group, outer)])


def places_of(found: Located, values: Values) -> Iterator[Place]:
    """The places at which a node runs, in order. Raises Missing where that is not known yet."""

    def inside(number: int, place: Place) -> Iterator[Place]:
        if number == len(found.path):
            yield place
            return
        group, arm = found.path[number]
        match group.op:
            case Branch():
                if values.arm(group, place) == arm:
                    yield from inside(number + 1, place)
            case Map() | Loop():
                for each in iterations(group, place, values):
                    yield from inside(number + 1, each)

    return inside(0, ())


def iterations(group: Group, place: Place, values: Values) -> Iterator[Place]:
    """The places of the iterations that run, one after the other: a loop may end with any."""
    for each in values.places(group, place):
        yield each
        if isinstance(group.op, Loop) and values.is_over(group, each):
            return


def _listed(group: Group, places: list[Place]) -> Decisions:
    texts = list(map(place_text, places))
    return {
        group.name: texts,
        f"{group.name}.any": bool(texts),
        f"{group.name}.first": texts[0] if texts else "",
    }


def write_decisions(told: Mapping[str, object], folder: Path | None, file: Path | None) -> None:
    """Write decisions where an engine reads them: a file for each, or one object of them all."""
    named = {_written(name): value for name, value in told.items()}
    if folder is not None:
        store.make_folder(folder)
        for name, value in named.items():
            text = value if isinstance(value, str) else json.dumps(value)
            store.commit_file(folder / name, text.encode())
    if file is not None:
        store.commit_file(file, json.dumps(named).encode())


def _written(name: str) -> str:
    """The name of a group, and what is asked of it, as a file is called."""
    group, dot, asked = name.partition(".")  # no group has a dot in its name
    return file_name(group) + dot + asked
