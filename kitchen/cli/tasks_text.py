"""The tasks of a program as a person reads them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from kitchen.cli.op_text import annotation_text
from kitchen.cli.terminal import BLUE, BOLD, CYAN, DIM, GREEN, YELLOW, Page, Word, words

Json = dict[str, Any]

STEP, BAR = "  ", "│ "
_RUNS = {"ready": "", "failed": "if a task failed", "always": "whatever happened"}
_HEADS = {"branch": "when", "map": "for each item", "loop": "loop"}
_LABELS = 9  #: columns of `takes`, `steps`, `why`


def tasks_text(plan: Json, page: Page) -> str:
    """Each task with what comes in and from where, its steps, and why they are together."""
    count = _tasks(plan["nodes"])
    title = [Word(plan["recipe"], BOLD)]
    if plan["workflow"]:
        title += [Word("·", DIM), *words(f"workflow {plan['workflow']}")]
    title += [Word("·", DIM), *words(f"{count} task{'' if count == 1 else 's'}")]
    title += [Word("·", DIM), *words(f"plan {plan['digest'][:12]}", DIM)]
    lines = [page.shown(title), "", *_graph(plan, STEP, page)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _tasks(nodes: Iterable[Json]) -> int:
    return sum(
        1 if node["kind"] == "task" else sum(_tasks(graph["nodes"]) for graph in node["graphs"])
        for node in nodes
    )


def _graph(graph: Json, indent: str, page: Page) -> Iterator[str]:
    for number, node in enumerate(graph["nodes"]):
        if number:
            yield page.shown([Word(indent, DIM)]).rstrip()
        edges = [edge for edge in graph["edges"] if edge["target"] == node["name"]]
        if node["kind"] == "task":
            yield from _task(node, edges, indent, page)
        else:
            yield from _group(node, edges, indent, page)


def _task(task: Json, edges: list[Json], indent: str, page: Page) -> Iterator[str]:
    head = [Word(task["name"], BOLD)]
    notes = [annotation_text(key, value) for key, value in task["annotations"].items()]
    notes += [_RUNS[task["runs"]]] if _RUNS[task["runs"]] else []
    if notes:
        head += [Word("·", DIM), *words(", ".join(notes), YELLOW)]
    yield from page.row([([Word(indent, DIM)], 0)], head)
    inner = indent + STEP
    yield from _takes(task, edges, inner, page)
    yield from _row("steps", _steps(task), inner, page)
    if not task["ops"]:
        yield from _row("gives", list(_values(task["outputs"])), inner, page)
    for label, key in (("failed", "on_failure"), ("at last", "finally")):
        yield from _row(label, words(", ".join(task[key])), inner, page)
    for text in _reasons(task["reasons"]):
        yield from _row("why", words(text, DIM), inner, page)


def _takes(node: Json, edges: list[Json], indent: str, page: Page) -> Iterator[str]:
    """What comes in, and from where; what only has to be done before."""
    left = {value["value"]: value for value in node["inputs"]}
    for edge in edges:
        source = [Word("←", DIM), *words(edge["source"], CYAN)]
        for value in edge["values"]:
            left.pop(value["value"], None)
        if edge["values"]:
            yield from _row("takes", [*_values(edge["values"]), *source], indent, page)
        else:
            text = [*words(edge["source"], CYAN), *words("(writes stay in order)", DIM)]
            yield from _row("after", text, indent, page)
    if left:
        text = [*_values(left.values()), Word("←", DIM), *words("around it", DIM)]
        yield from _row("takes", text, indent, page)


def _values(values: Collection[Json]) -> Iterator[Word]:
    """`artifact tokens: Tokens`; the word is said once for those that travel in one way."""
    way = ""
    ordered = sorted(values, key=lambda value: str(value["as"]), reverse=True)
    for number, value in enumerate(ordered, 1):
        if value["as"] != way:
            way = value["as"]
            yield Word(way, BLUE)
        yield Word(f"{value['value'][1:]}:")
        yield Word(value["type"] + ("," if number < len(ordered) else ""), GREEN)


def _steps(task: Json) -> list[Word]:
    found: list[Word] = []
    for number, op in enumerate(task["ops"]):
        comma = "," if number < len(task["ops"]) - 1 else ""
        kind = {"stage": "", "branch": "when"}.get(op["kind"], op["kind"])
        note = "(repeated)" if op["name"] in task["repeated"] else ""
        if kind:
            found.append(Word(kind, BLUE))
            note = f"({len(op['stages'])} stages)" if len(op["stages"]) > 1 else ""
        found.append(Word(op["name"] + ("" if note else comma)))
        found += words(note + comma, DIM) if note else []
    return found


def _reasons(reasons: list[Json]) -> Iterator[str]:
    """In words; what is small is said in one go."""
    told = dict.fromkeys(r["text"] for r in reasons if r["because"] != "ending")
    small = [text for text in told if text.endswith(" is small")]
    yield from (text for text in told if text not in small)
    if len(small) > 1:
        yield f"{', '.join(text.removesuffix(' is small') for text in small)} are small"
    else:
        yield from small


def _group(group: Json, edges: list[Json], indent: str, page: Page) -> Iterator[str]:
    head = [Word(group["name"], BOLD), *words(_HEADS[group["kind"]], BLUE)]
    for name, clause in group["clauses"].items():
        head += [*([] if name == "condition" else words(name, BLUE)), *words(clause["text"])]
    yield from page.row([([Word(indent, DIM)], 0)], head)
    yield from _takes(group, edges, indent + BAR, page)
    for number, graph in enumerate(group["graphs"]):
        if number and graph["nodes"]:
            yield page.shown([Word(indent, DIM), Word("else", BLUE)], "")
        yield from _graph(graph, indent + BAR, page)


def _row(label: str, line: Iterable[Word], indent: str, page: Page) -> Iterator[str]:
    line = list(line)
    if line:
        cells = [([Word(indent, DIM)], len(indent)), ([Word(label, DIM)], _LABELS)]
        yield from page.row(cells, line)
