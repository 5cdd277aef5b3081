"""The `datasets` port without files: every source is the same few conversations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import compress
from typing import Any

import numpy as np

from kitchen.runtime.adapter import NoConfig
from kitchen.runtime.order import selected
from kitchen.runtime.ports import Row, Workspace
from kitchen.runtime.ports.workspace import RUN
from kitchen.runtime.values import Dataset

DISHES = ("bread", "soup", "rice", "stew", "salad", "pancakes", "dumplings", "pickles")
QUESTIONS = (
    ("How long does {} take?", "Making {} takes an hour."),
    ("What goes into {}?", "Salt goes into {}."),
    ("Who eats {}?", "Everyone here eats {}."),
    ("May I have more {}?", "Yes, have more {}."),
)
ROWS = tuple(
    {
        "messages": [
            {"role": "user", "content": question.format(dish)},
            {"role": "assistant", "content": answer.format(dish)},
        ]
    }
    for dish in DISHES
    for question, answer in QUESTIONS
)


class NoopDatasets:
    """Gives 32 built-in conversations for any source; keeps rows and columns in memory."""

    def __init__(self, config: NoConfig, workspace: Workspace) -> None:
        self.opened: list[str] = []
        self.kept: dict[str, tuple[Mapping[str, Any], ...]] = {}
        self.columns: dict[str, Mapping[str, np.ndarray]] = {}

    def open(self, source: str) -> Dataset:
        self.opened.append(source)
        rows = self.kept.get(source, ROWS)
        digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
        return Dataset(source, digest, len(rows))

    def rows(self, dataset: Dataset) -> Iterator[Row]:
        kept = self.kept.get(dataset.uri, ROWS)
        rows = (Row(fields, dataset.uri, number) for number, fields in enumerate(kept, 1))
        return compress(rows, selected(dataset))

    def put(self, name: str, rows: Iterable[Mapping[str, Any]]) -> Dataset:
        source = f"{RUN}datasets/{name}.jsonl"
        self.kept[source] = tuple(dict(row) for row in rows)
        return self.open(source)

    def cached(self, key: str) -> Mapping[str, np.ndarray] | None:
        return self.columns.get(key)

    def keep(
        self, key: str, chunks: Iterable[Mapping[str, np.ndarray]]
    ) -> Mapping[str, np.ndarray]:
        gathered: dict[str, list[np.ndarray]] = {}
        for chunk in chunks:
            for name, array in chunk.items():
                gathered.setdefault(name, []).append(array)
        self.columns[key] = {name: np.concatenate(arrays) for name, arrays in gathered.items()}
        for array in self.columns[key].values():
            array.flags.writeable = False
        return self.columns[key]
