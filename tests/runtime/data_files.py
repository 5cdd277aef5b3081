"""Files of data, written for a test."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from kitchen.runtime.adapter import NoConfig
from kitchen.runtime.adapters.files.datasets import FileDatasets
from kitchen.runtime.ports import DataError, Workspace

Rows = Sequence[Mapping[str, Any]]

QUESTIONS = [
    {"question": f"Is {at} odd?", "answer": "Yes." if at % 2 else "No."} for at in range(9)
]


def write(path: Path, rows: Rows) -> Path:
    """The rows as the file's name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    match path.suffix:
        case ".parquet":
            pq.write_table(pa.Table.from_pylist(list(rows)), path, row_group_size=4)
        case ".arrow":
            table = pa.Table.from_pylist(list(rows))
            with pa.ipc.new_file(str(path), table.schema) as writer:
                writer.write_table(table, max_chunksize=4)
        case ".csv":
            pyarrow.csv.write_csv(pa.Table.from_pylist(list(rows)), path)
        case ".yml" | ".yaml":
            talks = "".join(f"- - {row['question']}\n  - {row['answer']}\n" for row in rows)
            path.write_text(f"categories:\n- numbers\nconversations:\n{talks}")
        case _:
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def store(folder: Path, cache: Path | None = None) -> FileDatasets:
    """A store over a folder; its cache is beside the files unless it is said."""
    return FileDatasets(NoConfig(), Workspace(folder, cache or folder / "cache"))


def told(error: DataError) -> str:
    """All that a person is told of a fault in the data."""
    assert error.help
    return f"{error}\nhelp: {error.help}\n"
