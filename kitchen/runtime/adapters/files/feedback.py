"""The `feedback` port over one file of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from kitchen.runtime.adapters.files import FeedbackConfig
from kitchen.runtime.adapters.files.sources import unreadable
from kitchen.runtime.ports import DataError, Judgement, Row, Workspace
from kitchen.runtime.store import commit_file
from kitchen.runtime.text_rows import jsonl_rows, kind_of


class FileFeedback:
    """One judgement a line: `prompt`, `response`, `rating` or `correction` or both, `time`.

    What else a line holds is left alone. Ratings are brought from the file's scale to 0 and 1.
    """

    def __init__(self, config: FeedbackConfig, workspace: Workspace) -> None:
        if config.worst == config.best:
            raise DataError(
                f"the worst rating and the best are both {config.best:g}",
                help="say what a bad answer gets and what a good one does: `worst: 1`, `best: 5`",
            )
        self._worst, self._best = config.worst, config.best
        self._uri, self._path = config.path, workspace.base / config.path

    def add(self, judgements: Iterable[Judgement]) -> None:
        before = self._path.read_bytes() if self._path.exists() else b""
        if before and not before.endswith(b"\n"):
            before += b"\n"
        commit_file(self._path, before + b"".join(map(self._line, judgements)))

    def judgements(self) -> Iterator[Judgement]:
        if not self._path.is_file():
            raise DataError(
                "there is no such file",
                uri=self._uri,
                help="a path is relative to the recipe's folder; one without lines is no feedback",
            )
        try:
            yield from map(self._read, jsonl_rows(self._path, self._uri))
        except OSError as cause:
            raise unreadable(self._uri, cause) from cause

    def _line(self, judgement: Judgement) -> bytes:
        fields = {name: value for name, value in asdict(judgement).items() if value is not None}
        if judgement.rating is not None:
            fields["rating"] = self._worst + judgement.rating * (self._best - self._worst)
        return (json.dumps(fields, ensure_ascii=False) + "\n").encode()

    def _read(self, row: Row) -> Judgement:
        fields = row.fields
        rating, correction = self._rating(row), fields.get("correction")
        if rating is None and correction is None:
            raise DataError(
                "the line has neither a `rating` nor a `correction`",
                uri=row.uri,
                row=row.number,
                help="leave the line out: it says nothing about the answer",
            )
        return Judgement(
            prompt=_text(row, "prompt"),
            response=_text(row, "response"),
            rating=rating,
            correction=None if correction is None else _text(row, "correction"),
            time=_time(row),
        )

    def _rating(self, row: Row) -> float | None:
        given = row.fields.get("rating")
        if given is None:
            return None
        if not isinstance(given, int | float):
            raise DataError(
                f"`rating` is {kind_of(given)}, not a number",
                uri=row.uri,
                row=row.number,
                help=f"give a number from {self._worst:g}, the worst, to {self._best:g}, the best",
            )
        share = (given - self._worst) / (self._best - self._worst)
        if not 0 <= share <= 1:
            raise DataError(
                f"the rating {given} is not from {self._worst:g} to {self._best:g}",
                uri=row.uri,
                row=row.number,
                help="say which scale the file has: `{use: files, worst: 1, best: 5}`",
            )
        return share


def _text(row: Row, name: str) -> str:
    value: Any = row.fields.get(name)
    if not isinstance(value, str) or not value.strip():
        said = f"is {kind_of(value)}" if name in row.fields else "is missing"
        raise DataError(
            f"`{name}` is empty" if isinstance(value, str) else f"`{name}` {said}",
            uri=row.uri,
            row=row.number,
            help='a line is `{"prompt": "...", "response": "...", "rating": 0}`',
        )
    return value


def _time(row: Row) -> str | None:
    value: Any = row.fields.get("time")
    if value is None:
        return None
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError) as cause:
        raise DataError(
            f"`time` is {value!r}, which is no time",
            uri=row.uri,
            row=row.number,
            help="write it as ISO 8601: `2026-03-01T12:00:00Z`",
        ) from cause
    return str(value)
