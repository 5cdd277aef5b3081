"""Ops of a plan as an indented tree: what each takes and gives, and how often it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kitchen.cli.terminal import BLUE, BOLD, CYAN, DIM, GREEN, Page, Word, words
from kitchen.ir.infix import literal
from kitchen.ir.visible import width

Json = dict[str, Any]

#: Names are aligned up to this width; longer ones push their line to the right.
WIDEST = 34
STEP = "  "
BAR = "│ "
TIMES = "\N{MULTIPLICATION SIGN}"


def op_lines(ops: Iterable[Json], page: Page) -> list[str]:
    """The tree of ops; the last column is how often each runs in all."""
    rows = list(_rows(ops, STEP))
    columns = min(max((width(row.lead) for row in rows if row.parts), default=0), WIDEST) + 2
    counts = max((width(row.times) for row in rows), default=0)
    return [line for row in rows for line in row.lines(page, columns, counts)]


class _Row:
    """One op, before its columns are known. A row that neither takes nor gives is a headline."""

    def __init__(
        self,
        indent: str,
        head: list[Word],
        times: object,
        takes: list[Word] | None = None,
        gives: list[Word] | None = None,
    ) -> None:
        self.indent, self.head = indent, head
        self.parts = [part for part in (takes, gives) if part]
        self.lead = indent + " ".join(word.text for word in head)
        self.times = "" if times == 1 else _often(times)

    def lines(self, page: Page, columns: int, counts: int) -> list[str]:
        room = page.columns - counts - 2
        if self.parts:
            start = max(columns, width(self.lead) + 2)
            padding = " " * (start - width(self.lead))
            first = page.shown([Word(self.indent, DIM), *self.head, Word(padding)], "")
            hanging = page.shown([Word(self.indent, DIM)]) + " " * (start - width(self.indent))
            flat = [word for part in self.parts for word in part]
            one = page.folded(flat, room - start)
            folded = one if len(one) == 1 else self._folded(page, room - start)
        else:
            start = width(self.indent)
            first = page.shown([Word(self.indent, DIM)])
            hanging = page.shown([Word(self.indent + STEP, DIM)])
            folded = page.folded(self.head, room - start)
        used = start + sum(word.width for word in folded[0]) + len(folded[0]) - 1
        gap = max(page.columns - used - width(self.times), 2)
        times = " " * gap + page.shown([Word(self.times, CYAN)]) if self.times else ""
        head, *rest = (page.shown(line) for line in folded)
        return [first + head + times, *(hanging + line for line in rest)]

    def _folded(self, page: Page, columns: int) -> list[list[Word]]:
        """What an op gives starts on a line of its own where all of it does not fit on one."""
        return [line for part in self.parts for line in page.folded(part, max(columns, 24))]


def _often(times: object) -> str:
    return str(times).replace("<=", "≤") if str(times).startswith("<=") else f"{TIMES}{times}"


def _rows(ops: Iterable[Json], indent: str) -> Iterator[_Row]:
    for op in ops:
        match op["kind"]:
            case "stage":
                head = [Word(op["name"], BOLD)]
                yield _Row(indent, head, op["times"], list(_takes(op)), list(_gives(op)))
            case "branch":
                yield from _branch(op, indent)
            case _:
                yield _Row(indent, list(_repetition(op)), op["iterations"])
                yield from _rows(op["ops"], indent + BAR)


def _branch(op: Json, indent: str) -> Iterator[_Row]:
    condition = words(op["condition"])
    if op["then"]:
        yield _Row(indent, [Word("when", BLUE), *condition], 1)
        yield from _rows(op["then"], indent + BAR)
    if op["else"]:
        unless = [Word("unless", BLUE), *condition]
        yield _Row(indent, [Word("otherwise", BLUE)] if op["then"] else unless, 1)
        yield from _rows(op["else"], indent + BAR)


def _repetition(op: Json) -> Iterator[Word]:
    """`loop epoch over range(10) until best.stop, checkpoint every 100`"""
    yield Word(op["kind"], BLUE)
    yield Word(op["name"], BOLD)
    for key, said in (("over", "over"), ("while", "while"), ("until", "until"), ("max", "at most")):
        if op.get(key) is not None:
            yield from words(said, BLUE)
            yield from words(op[key])
    if op.get("max_parallel") is not None:
        yield from words(f"({op['max_parallel']} at a time)", DIM)
    if op.get("checkpoint") not in (None, "0"):
        yield from words(f"(checkpoint every {op['checkpoint']})", DIM)


def _takes(op: Json) -> Iterator[Word]:
    """`session, batch; loss=ppo`: what is read, then what is set to other than its default."""
    defaults = op["defaults"]
    read = [_edge(name, source) for name, source in op["inputs"].items() if source is not None]
    read += [text for key, text in op["computed"].items() if text == key]
    settings = [
        f"{key}={_short(value)}"
        for key, value in op["config"].items()
        if key not in defaults or defaults[key] != value
    ]
    settings += [f"{key}={text}" for key, text in op["computed"].items() if text != key]
    yield from _listed(read, "", ";" if settings else "")
    yield from _listed(settings, DIM, "")
    for key, value in op["annotations"].items():
        yield Word(f"[{annotation_text(key, value)}]", DIM)


def _gives(op: Json) -> Iterator[Word]:
    """`→ losses: Losses, session`; a handle that is updated has no type beside it."""
    outputs = [output for output in op["outputs"] if "closes" not in output]
    for number, output in enumerate(outputs):
        lead = "" if number else "→ "
        comma = "," if number < len(outputs) - 1 else ""
        if "updates" in output:
            yield Word(f"{lead}{output['name']}{comma}")
        else:
            yield Word(f"{lead}{output['name']}:")
            yield Word(f"{output['type']}{comma}", GREEN)


def _listed(items: list[str], style: str, end: str) -> Iterator[Word]:
    for number, text in enumerate(items):
        yield Word(text + ("," if number < len(items) - 1 else end), style)


def _edge(name: str, source: str) -> str:
    """An input: the value's name, with the input's own before it where they differ."""
    value = source[1:].partition(".")[0] if source.startswith("%") else source
    return value if value == name else f"{name}={value}"


def annotation_text(key: str, value: Any) -> str:
    """An annotation in a word or two."""
    match key, value:
        case "retry", {"times": times}:
            return f"retry {times}{TIMES}"
        case "timeout", _:
            return f"timeout {value:g} s"
        case "resources", dict():
            return ", ".join(f"{name} {amount}" for name, amount in value.items())
    return f"{key} {_short(value)}"


def _short(value: object) -> str:
    """A setting on one line; text that reads as itself goes without quotes."""
    if isinstance(value, str) and value and not any(mark in value for mark in " ,;=→\n"):
        return value
    text = literal(value)
    return text if len(text) <= 60 else text[:59] + "…"
