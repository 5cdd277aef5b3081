"""The `datasets` port: rows, and columns made from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from kitchen.ir.frozen import frozen
from kitchen.runtime.values import Dataset

if TYPE_CHECKING:
    import numpy as np


@frozen
class Row:
    """One row: its fields, and where it stands (file and line or row number, from 1)."""

    fields: Mapping[str, Any]
    uri: str
    number: int


class DatasetStore(Protocol):
    """Finds, reads and keeps rows, and columns made from them.

    Raises DataError, naming file and row, for what cannot be read.
    """

    def open(self, source: str) -> Dataset:
        """Find a data set and take its digest, without holding its rows."""
        ...

    def rows(self, dataset: Dataset) -> Iterator[Row]:
        """The rows in order, read as they are asked for."""
        ...

    def put(self, name: str, rows: Iterable[Mapping[str, Any]]) -> Dataset:
        """Keep rows as a data set of this run, all or nothing, and open it.

        `open` finds it by its `uri` from then on. The same rows again change nothing.
        """
        ...

    def cached(self, key: str) -> Mapping[str, np.ndarray] | None:
        """Columns kept under a key, memory-mapped; None if there are none."""
        ...

    def keep(
        self, key: str, chunks: Iterable[Mapping[str, np.ndarray]]
    ) -> Mapping[str, np.ndarray]:
        """Append chunks of columns under a key, all or nothing, and give them memory-mapped."""
        ...
