"""Rows of YAML conversation corpora, as ChatterBot's are: `conversations: [[question, answer]]`.

Read as parser events: scalars stay the text that was written, whatever YAML 1.1 makes of `No` and
`1984`, and the nesting is bounded before anything is built.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from kitchen.runtime.ports import DataError, Row

ROLES = ("user", "assistant")
CURE = "such a file holds `conversations:`, a list of lists: question, answer, question, ..."


def yaml_rows(path: Path, uri: str) -> Iterator[Row]:
    """Each conversation as a row of `messages`, numbered by the line it begins on.

    Its lines are said by user and assistant in turn; a conversation that is one scalar is one line.
    """
    found = False
    for key, number, turns in _entries(path, uri):
        found = found or key == "conversations"
        if key == "conversations" and turns:
            messages = [
                {"role": ROLES[index % 2], "content": turn} for index, turn in enumerate(turns)
            ]
            yield Row({"messages": messages}, uri, number)
    if not found:
        raise DataError("it has no `conversations`", uri=uri, help=CURE)


def _entries(path: Path, uri: str) -> Iterator[tuple[str, int, list[str]]]:
    """For each item of each list under a top-level key: the key, the item's line, its scalars."""
    depth, key, line = 0, "", 0
    turns: list[str] = []
    for event in _events(path, uri):
        here = event.start_mark.line + 1
        match event:
            case yaml.MappingStartEvent() if depth > 0:
                raise DataError("a mapping stands where text should", uri=uri, row=here, help=CURE)
            case yaml.AliasEvent():
                raise DataError("an alias stands where text should", uri=uri, row=here, help=CURE)
            case yaml.CollectionStartEvent() if depth == 3:
                raise DataError("a list stands where text should", uri=uri, row=here, help=CURE)
            case yaml.CollectionStartEvent():
                depth += 1
                line, turns = here, []
            case yaml.CollectionEndEvent():
                if depth == 3:
                    yield key, line, turns
                depth -= 1
            case yaml.ScalarEvent() if depth == 1:
                key = event.value
            case yaml.ScalarEvent() if depth == 2:
                yield key, here, [event.value]
            case yaml.ScalarEvent():
                turns.append(event.value)


def _events(path: Path, uri: str) -> Iterator[Any]:
    with path.open("rb") as file:
        try:
            yield from yaml.parse(file, yaml.CSafeLoader)
        except (yaml.YAMLError, UnicodeDecodeError) as cause:
            mark = getattr(cause, "problem_mark", None)
            problem = getattr(cause, "problem", None) or "it is not UTF-8"
            line = mark.line + 1 if mark else None
            raise DataError(f"it is not YAML: {problem}", uri=uri, row=line, help=CURE) from cause
