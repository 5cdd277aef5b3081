"""A task graph as a drawing: its tasks, the groups around them, what crosses between."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from kitchen.cli.drawing import Box, Drawing, Edge
from kitchen.ir.program import Branch, Loop, Map
from kitchen.ir.task_graph import Group, Task, TaskGraph

IN_ORDER = "in order"  #: of an edge with no value: the writes of one come before the other's


def drawing_of_tasks(name: str, graph: TaskGraph) -> Drawing:
    """The drawing of the tasks of a program."""
    drawing = Drawing(name, [], [])
    ids = (f"n{number}" for number in count(1))
    drawing.boxes = _boxes(graph, drawing, ids)
    return drawing


def _boxes(graph: TaskGraph, drawing: Drawing, ids: Iterator[str]) -> list[Box]:
    boxes: dict[str, Box] = {}
    for node in graph.nodes:
        box = Box(next(ids), node.name if isinstance(node, Task) else _label(node))
        boxes[node.name] = box
        if isinstance(node, Group):
            box.boxes = _boxes(node.graphs[0], drawing, ids)
            for other in node.graphs[1:]:
                if other.nodes:
                    box.boxes.append(Box(next(ids), "else", _boxes(other, drawing, ids)))
    for edge in graph.edges:
        source, target = boxes[edge.source].id, boxes[edge.target].id
        for said in [value.name for value in edge.values] or [IN_ORDER]:
            drawing.edges.append(Edge(source, target, said))
    return [*boxes.values()]


def _label(group: Group) -> str:
    by = " ".join(text if name == "condition" else f"{name} {text}" for name, text in group.clauses)
    match group.op:
        case Branch():
            return f"if {by}"
        case Map():
            return f"map {group.name} {by}"
        case Loop():
            return f"loop {group.name} {by}"
