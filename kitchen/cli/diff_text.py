"""A comparison of two plans as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kitchen.cli.terminal import BOLD, DIM, GREEN, RED, YELLOW, Page, Word, words
from kitchen.cli.yaml_text import yaml_value

Json = dict[str, Any]

MARKS = {"added": ("+", GREEN), "removed": ("-", RED), "changed": ("~", YELLOW)}
HEADINGS = {"params": "parameters", "ports": "ports", "ops": "steps"}


def diff_text(changes: Json, page: Page) -> str:
    """What changed, section by section; one line where nothing did."""
    before, after = changes["before"], changes["after"]
    ends = f"{before['recipe']} {before['digest'][:12]} → {after['recipe']} {after['digest'][:12]}"
    lines = [page.shown(words(ends, DIM))]
    sections = {key: changes[key] for key in HEADINGS if changes[key]}
    for key, section in sections.items():
        lines += ["", page.shown([Word(HEADINGS[key], BOLD)])]
        for change in section:
            lines += _change(change, page)
    if not sections:
        same = "they mean the same" if changes["same"] else "only names and annotations differ"
        lines.append(same)
    return "\n".join(lines) + "\n"


def _change(change: Json, page: Page) -> list[str]:
    mark, style = MARKS[change["change"]]
    name = " / ".join([*change.get("path", ()), change["name"]])
    place = f"({change['span'].rpartition(':')[0]})" if change.get("span") else ""
    head = [Word(mark, style), *words(name, BOLD)]
    said = [*_said(change)]
    if len(said) == 1:
        tail = [*words(said[0]), Word(place, DIM)] if place else words(said[0])
        return page.row([([], 2)], [*head, *tail])
    lines = page.row([([], 2)], [*head, Word(place, DIM)] if place else head)
    return lines + [line for text in said for line in page.row([([], 6)], words(text))]


def _said(change: Json) -> Iterator[str]:
    if "settings" not in change:
        given = change.get("value", change.get("adapter"))
        if given is not None:
            yield _shown(given)
        return
    for key, (old, new) in change["settings"].items():
        moved = f"{_shown(old)} → {_shown(new)}"
        yield moved if key in ("value", "adapter") else f"{key}: {moved}"


def _shown(value: object) -> str:
    """A value on one line; expressions stand as they are."""
    return value if isinstance(value, str) and value.strip() == value != "" else yaml_value(value)
