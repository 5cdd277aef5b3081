"""The README of an export: how it is submitted, what is in it, and why it is as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from kitchen.compiler.targets.target import Exported, Files, Guide, Target
from kitchen.ir.infix import literal
from kitchen.ir.program import Annotations, Branch, Loop, Map, Parameter
from kitchen.ir.serde import digest
from kitchen.ir.task_graph import Group, Runs, Task, TaskGraph
from kitchen.ir.visible import visible

#: Characters of a value that a table has room for.
_ROOM = 60
_WHEN = {Runs.FAILED: "if a task failed", Runs.ALWAYS: "whatever happened"}


def readme(
    target: Target,
    exported: Exported,
    whole: Mapping[str, str],
    *,
    files: Files,
    command: str,
    base: str,
) -> str:
    """The page, in Markdown."""
    guide = target.guide(exported)
    parts = [
        *_head(target, exported, command),
        *_submit(guide),
        *_section("What can be set when it is submitted", _settings(guide)),
        *_section("Where data has to lie", _data(exported, guide, base)),
        *_section("Tasks", _tasks(exported.graph)),
        *_section("What became what, and why", _lowered(guide, whole)),
        *_section("Parameters", _parameters(exported)),
        *_section("Files", _files(files)),
        *_section("Notes", [f"- {note}" for note in guide.notes]),
    ]
    return "\n".join(parts).rstrip("\n") + "\n"


def _head(target: Target, exported: Exported, command: str) -> Iterator[str]:
    program = exported.program
    yield f"# {program.name}: {target.doc.rstrip('.')}"
    yield ""
    yield f"Written by {code(command)}; the plan is {code(digest(program)[:12])}. Each task is"
    yield "`kitchen task plan.json NAME`, so what runs here is what `kitchen run` does. To change"
    yield "it, change the recipe and export it again."
    yield ""
    if exported.schedule is not None:
        cron, zone = exported.schedule.cron, exported.schedule.timezone
        yield f"It runs by itself at {code(cron)} ({zone})."
        yield ""


def _submit(guide: Guide) -> Iterator[str]:
    if guide.submit:
        yield from ["## How to submit it", "", "In this folder:", "", "```console"]
        yield from (f"$ {line}" for line in guide.submit)
        yield from ["```", ""]


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """A section, if there is something in it."""
    found = list(lines)
    if found:
        yield from [f"## {title}", "", *found, ""]


def _settings(guide: Guide) -> Iterator[str]:
    if guide.settings:
        yield from table(("name", "what it is"), [(code(n), what) for n, what in guide.settings])
        yield ""
        yield "The parameters of the recipe are fixed: what runs was decided when it was compiled."


def _data(exported: Exported, guide: Guide, base: str) -> Iterator[str]:
    """Files that parameters name, by how they are named."""
    paths = [(param, param.setting) for param in exported.program.params]
    texts = [(param, text) for param, text in paths if isinstance(text, str)]
    relative = [(param, text) for param, text in texts if re.match(r"\.\.?/", text)]
    absolute = [(param, text) for param, text in texts if text.startswith("/")]
    yield from (f"- {line}" for line in guide.data)
    if relative and not guide.data:
        yield f"- `base` is {code(base)} as `plan.json` sees it, if nothing else is set."
    yield from (f"- In `base`: {_named(param, text)}" for param, text in relative)
    yield from (f"- On every machine: {_named(param, text)}" for param, text in absolute)


def _named(param: Parameter, text: str) -> str:
    return f"{code(param.value.name)}: {code(short(text))}"


def _tasks(graph: TaskGraph) -> Iterator[str]:
    head = ("task", "steps", "waits for", "asks for")
    yield from table(head, _rows(graph, ""))


def _rows(graph: TaskGraph, around: str) -> Iterator[tuple[str, ...]]:
    sources: dict[str, dict[str, None]] = {}
    for edge in graph.edges:
        sources.setdefault(edge.target, {})[edge.source] = None
    for node in graph.nodes:
        before = ", ".join(code(name) for name in sources.get(node.name, ()))
        if isinstance(node, Task):
            steps = _steps(node)
            when = _WHEN.get(node.runs, "")
            before = ", ".join(filter(None, [when, before]))
            yield around + code(node.name), steps, before, _asks(node.annotations)
            continue
        yield around + code(node.name), _kind(node), before, ""
        for inner in node.graphs:
            yield from _rows(inner, f"{around}{code(node.name)} / ")


def _steps(task: Task) -> str:
    """What a task runs, and what it ends with."""
    steps = ", ".join(code(op.name) for op in task.region.ops)
    endings = (("if it failed", task.on_failure), ("at last", task.finally_))
    for when, region in endings:
        if region.ops:
            steps += f"; {when} {', '.join(code(op.name) for op in region.ops)}"
    return steps or "a little arithmetic"


def _kind(group: Group) -> str:
    """What a group is and goes by, in words."""
    by = ", ".join(f"{name} {code(short(text))}" for name, text in group.clauses)
    match group.op:
        case Branch():
            return f"if: {by}"
        case Map():
            return f"map: {by}"
        case Loop():
            return f"loop: {by}"


def _asks(annotations: Annotations) -> str:
    """What a task asks of its machine, in words."""
    asked: list[str] = []
    resources, retry = annotations.resources, annotations.retry
    if resources is not None:
        found = {name: getattr(resources, name) for name in ("cpu", "memory", "gpu", "nodes")}
        asked += [f"{name} {value}" for name, value in found.items() if value is not None]
    if annotations.image is not None:
        asked.append(f"image {code(annotations.image)}")
    if retry is not None:
        asked.append(f"{retry.times} tries")
    if annotations.timeout is not None:
        asked.append(f"{annotations.timeout:g} s at most")
    return ", ".join(asked)


def _lowered(guide: Guide, whole: Mapping[str, str]) -> Iterator[str]:
    rows = [(code(name), "stays in one task", reason) for name, reason in whole.items()]
    rows += [(code(name), how, why) for name, how, why in guide.lowered]
    if rows:
        yield from table(("what", "how", "why"), rows)


def _parameters(exported: Exported) -> Iterator[str]:
    rows = [
        (code(param.value.name), code(short(literal(param.setting))))
        for param in exported.program.params
    ]
    if rows:
        yield from table(("name", "value"), rows)


def _files(files: Files) -> Iterator[str]:
    yield "- `plan.json`: what each task reads: the tasks, the parameters, the recipe's text"
    yield from (f"- {code(name)}" for name in sorted(files))
    yield "- `MANIFEST.json`: the files and their digests; an export over this one checks them"


# ------------------------------------------------------------------------------------- as Markdown


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A table; a cell holds no line's end and no bar of its own."""
    head = [*head]
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def code(text: str) -> str:
    """A text as code, whatever is in it.

    >>> code("a `b`")
    '`` a `b` ``'
    """
    shown = visible(text).replace("\n", " ")
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest or not shown.strip() else ""
    return f"{fence}{space}{shown}{space}{fence}"


def short(text: str) -> str:
    """As much of a text as a table has room for."""
    return text if len(text) <= _ROOM else f"{text[: _ROOM - 3]}..."
