"""What an exported workflow says of its tasks, read back from its text: who runs before whom."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import yaml

from kitchen.ir.task_graph import Group, Runs, Task, TaskGraph

Way = tuple[str, ...]  #: where a task is called: a call in each template or loop around it


@dataclass(frozen=True)
class Read:
    """The tasks of a workflow with the ways they are called by, and who waits for whom.

    `waits` are the calls that a call waits for, directly or not; both by their ways. `flat`: a way
    is the turns of loops around a call and then the call; else there is a call at every step of it.
    """

    ways: Mapping[str, tuple[Way, ...]]
    waits: Mapping[Way, frozenset[Way]]
    flat: bool = False

    def before(self, first: str, second: str) -> set[bool]:
        """Whether one task is done before the other begins, at the places they share most of."""
        pairs = [(a, b) for a in self.ways[first] for b in self.ways[second]]
        shared = {pair: len([*takewhile(same, zip(*pair, strict=False))]) for pair in pairs}
        most = max(shared.values())
        return {self.is_before(*pair, most) for pair in pairs if shared[pair] == most}

    def is_before(self, first: Way, second: Way, shared: int) -> bool:
        if self.flat:
            return first in self.waits[second]
        return first[: shared + 1] in self.waits[second[: shared + 1]]


def same(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]


def order(graph: TaskGraph) -> Iterator[tuple[str, str, bool]]:
    """Each two tasks of one graph or of groups in it, and whether one is before the other."""
    ready = [node for node in graph.nodes if isinstance(node, Group) or node.runs is Runs.READY]
    after: dict[str, set[str]] = {}
    for node in ready:
        sources = [edge.source for edge in graph.edges if edge.target == node.name]
        after[node.name] = set(sources).union(*(after[source] for source in sources))
    inside = {
        node.name: [node.name] if isinstance(node, Task) else [t.name for g in node.graphs
                                                               for t in g.tasks()]
        for node in ready
    }  # fmt: skip
    for first in ready:
        for second in ready:
            if first is not second:
                is_before = first.name in after[second.name]
                for a in inside[first.name]:
                    yield from ((a, b, is_before) for b in inside[second.name])
    for node in ready:
        for inner in node.graphs if isinstance(node, Group) else ():
            yield from order(inner)


# -------------------------------------------------------------------------------------------- argo


def argo(text: str) -> Read:
    """A workflow of Argo's, its templates followed from the entry on."""
    (document,) = yaml.safe_load_all(text)
    spec = document["spec"].get("workflowSpec", document["spec"])
    templates = {template["name"]: template for template in spec["templates"]}
    ways: dict[str, tuple[Way, ...]] = {}
    waits: dict[Way, frozenset[Way]] = {}
    _template(spec["entrypoint"], templates, (), (), ways, waits)
    return Read(ways, waits)


def _template(
    name: str,
    templates: Mapping[str, Any],
    way: Way,
    around: tuple[str, ...],
    ways: dict[str, tuple[Way, ...]],
    waits: dict[Way, frozenset[Way]],
) -> None:
    calls = {call["name"]: call for call in templates[name]["dag"]["tasks"]}
    for call in calls.values():
        here = (*way, call["name"])
        before = re.findall(r"([a-zA-Z0-9][-a-zA-Z0-9]*)\.[A-Z]", call.get("depends", ""))
        direct = {(*way, other) for other in before}
        assert {other for *_, other in direct} <= calls.keys()
        waits[here] = frozenset(direct).union(*(waits[other] for other in direct))
        given = {p["name"]: p["value"] for p in call.get("arguments", {}).get("parameters", ())}
        if "dag" not in templates[call["template"]]:
            ways[given["task"]] = (*ways.get(given["task"], ()), here)
        elif call["template"] not in (name, *around):  # a loop that calls itself is followed once
            _template(call["template"], templates, here, (name, *around), ways, waits)


# ----------------------------------------------------------------------------------------- airflow


def airflow(text: str) -> Read:
    """A DAG file of Airflow's, read as a syntax tree."""
    tree = ast.parse(text)
    (block,) = (node for node in tree.body if isinstance(node, ast.With))
    tasks: dict[str, tuple[str, list[str]]] = {}  # of each variable: the task, and the turns
    direct: dict[str, set[str]] = {}
    for node in block.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=variable)], value=made):
                names = {name.id for name in ast.walk(made) if isinstance(name, ast.Name)}
                direct[variable] = names & direct.keys()
                name = _task_of(made)
                if name is not None:
                    tasks[variable] = (name, _turns_of(made))
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Name(id=variable), attr="set_upstream"),
                    args=[ast.List(elts=others)],
                )
            ):
                direct[variable] |= {other.id for other in others if isinstance(other, ast.Name)}
            case _:
                raise AssertionError(ast.unparse(node))
    after: dict[str, set[str]] = {}
    for variable, others in direct.items():
        after[variable] = others.union(*(after[other] for other in others))
    found = {variable: (*turns, variable) for variable, (_, turns) in tasks.items()}
    ways: dict[str, tuple[Way, ...]] = {}
    for variable, (name, _) in tasks.items():
        ways[name] = (*ways.get(name, ()), found[variable])
    waits = {found[v]: frozenset(found[o] for o in after[v] if o in found) for v in tasks}
    return Read(ways, waits, flat=True)


def _task_of(made: ast.expr) -> str | None:
    """The name that `kitchen task` is given; None of what runs no task of the plan."""
    for call in (node for node in ast.walk(made) if isinstance(node, ast.Call)):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        named = given.get("name") or given.get("kitchen_task")
        if named is None and ast.unparse(call.func).startswith("kitchen.override("):
            named = call.args[0] if call.args else None
        if isinstance(named, ast.Constant) and not {"every"} & given.keys():
            return str(named.value)
    return None


def _turns_of(made: ast.expr) -> list[str]:
    """The indices of the loops that are written out around a task: its id ends in them."""
    for call in (node for node in ast.walk(made) if isinstance(node, ast.Call)):
        for keyword in call.keywords:
            match keyword:
                case ast.keyword(arg="task_id", value=ast.Constant(value=str(own))):
                    (tail,) = re.findall(r"((?:-[0-9]{1,3})*)$", own)[:1]
                    return tail.split("-")[1:]
    return []
