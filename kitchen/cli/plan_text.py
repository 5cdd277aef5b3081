"""A plan as a person reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kitchen.cli.op_text import op_lines
from kitchen.cli.terminal import BOLD, CYAN, DIM, GREEN, YELLOW, Page, Word, words
from kitchen.ir.infix import literal
from kitchen.ir.visible import width

Json = dict[str, Any]

_ORIGINS = {"default": DIM, "recipe": "", "--set": YELLOW}
#: A longer value is folded.
WIDEST_VALUE = 50
_INDENT: tuple[list[Word], int] = ([], 2)


def plan_text(plan: Json, page: Page) -> str:
    """The whole plan but its diagnostics, which stand after it."""
    sections = [
        ("", _title(plan, page)),
        ("parameters", _params(plan["params"], page)),
        ("ports", _ports(plan["ports"], page)),
        ("steps", op_lines(plan["ops"], page)),
        ("on failure", op_lines(plan["on_failure"], page)),
        ("finally", op_lines(plan["finally"], page)),
        ("totals", _totals(plan["totals"], page)),
        ("removed", _removed(plan["removed"], page)),
    ]
    blocks = []
    for heading, lines in sections:
        if lines:
            head = [page.shown([Word(heading, BOLD)])] if heading else []
            blocks.append("\n".join([*head, *lines]))
    return "\n\n".join(blocks) + "\n"


def _title(plan: Json, page: Page) -> list[str]:
    title = [Word(plan["recipe"], BOLD)]
    if plan["workflow"]:
        title += [Word("·", DIM), *words(f"workflow {plan['workflow']}")]
    title += [Word("·", DIM), *words(f"plan {plan['digest'][:12]}", DIM)]
    return [page.shown(title)]


def _params(params: dict[str, Json], page: Page) -> list[str]:
    names = _widest(params, 28)
    values = _widest((_setting(param["value"]) for param in params.values()), 24)
    lines: list[str] = []
    for name, param in params.items():
        style = _ORIGINS[param["origin"]]
        first, *rest = page.folded(words(_setting(param["value"]), style), WIDEST_VALUE)
        cells = [
            _INDENT,
            ([Word(name)], max(names, width(name)) + 2),
            (first, max(values, _width(first)) + 2),
            ([Word(param["origin"], style or CYAN)], 9),
        ]
        room = page.columns - sum(columns for _, columns in cells)
        lines += page.row(cells, [Word(_clipped(param["doc"], room), DIM)])
        indent = " " * (max(names, width(name)) + 4)
        lines += [indent + page.shown(more) for more in rest]
    return lines


def _ports(ports: dict[str, Json], page: Page) -> list[str]:
    bound = {name: _bound(port) for name, port in ports.items()}
    names, adapters = _widest(ports, 20), _widest(bound.values(), 30)
    lines: list[str] = []
    for name, port in ports.items():
        cells = [
            _INDENT,
            ([Word(name)], names + 1),
            ([Word("→", DIM)], 2),
            ([Word(bound[name], GREEN)], max(adapters, width(bound[name])) + 2),
        ]
        lines += page.row(cells, words(", ".join(port["uses"]), DIM))
    return lines


def _bound(port: Json) -> str:
    settings = ", ".join(f"{key}={_setting(value)}" for key, value in port["config"].items())
    return f"{port['adapter']}({settings})" if settings else str(port["adapter"])


def _totals(totals: Json, page: Page) -> list[str]:
    iterations = [f"{name} {_number(count)}" for name, count in totals["iterations"].items()]
    rows = {
        "stages": _number(totals["stages"]),
        "iterations": ", ".join(iterations),
        "stage calls": _number(totals["calls"]),
    }
    lines: list[str] = []
    for name, text in rows.items():
        if text:
            lines += page.row([_INDENT, ([Word(name)], 13)], words(text))
    if "?" in (totals["calls"], *totals["iterations"].values()):
        lines += page.row([_INDENT], words("? is known when the data has been read", DIM))
    return lines


def _number(count: int | str) -> str:
    return f"{count:,}" if isinstance(count, int) else count.replace("<=", "at most ")


def _removed(removed: list[Json], page: Page) -> list[str]:
    """The ops that went, by the reason they went for."""
    reasons: dict[str, list[Json]] = {}
    for removal in removed:
        reasons.setdefault(removal["reason"], []).append(removal)
    lines: list[str] = []
    for reason, removals in reasons.items():
        lines += page.row([_INDENT], words(reason))
        lines += page.row([([], 4)], _gone(removals))
    return lines


def _gone(removals: list[Json]) -> Iterator[Word]:
    for number, removal in enumerate(removals):
        comma = "," if number < len(removals) - 1 else ""
        place = "" if removal["span"] is None else f" ({removal['span'].rpartition(':')[0]})"
        yield Word(f"{removal['op']}{place}{comma}", DIM)


def _width(line: list[Word]) -> int:
    return sum(word.width for word in line) + max(len(line) - 1, 0)


def _widest(texts: Iterable[str], most: int) -> int:
    """The width of a column: that of its widest text among those that are not too wide."""
    return max((width(text) for text in texts if width(text) <= most), default=0)


def _setting(value: object) -> str:
    return value if isinstance(value, str) and value.strip() == value != "" else literal(value)


def _clipped(text: str, room: int) -> str:
    if room < 24:
        return ""
    return text if width(text) <= room else text[: room - 1].rstrip() + "…"
