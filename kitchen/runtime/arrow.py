"""Arrow and Parquet: rows out of columnar files, flat columns in memory-mapped ones, metrics.

The only module that imports pyarrow; adapters import this one when a run binds them.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kitchen.runtime.ports import DataError, Metric, Row

ROWS_AT_A_TIME = 1024
FILE_MAGIC = b"ARROW1"

METRICS = pa.schema(
    [
        pa.field("step", pa.int64(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("time", pa.float64(), nullable=False),
    ]
)


# ------------------------------------------------------------------------------------------ rows


def parquet_rows(path: Path, uri: str) -> Iterator[Row]:
    """The rows of a Parquet file, numbered from 1; one row group's worth is held at a time."""
    with _named_faults(uri, "a Parquet"), pq.ParquetFile(path, memory_map=True) as file:
        yield from _rows(file.iter_batches(ROWS_AT_A_TIME), uri)


def arrow_rows(path: Path, uri: str) -> Iterator[Row]:
    """The rows of an Arrow IPC file, numbered from 1; one record batch is held at a time."""
    with _named_faults(uri, "an Arrow"), pa.memory_map(str(path)) as source:
        _, batches = _record_batches(source)
        yield from _rows(map(_validated, batches), uri)


def parquet_shape(path: Path, uri: str) -> tuple[int, tuple[str, ...]]:
    """How many rows a Parquet file has, and its columns, from its footer."""
    with _named_faults(uri, "a Parquet"), pq.ParquetFile(path) as file:
        return file.metadata.num_rows, tuple(file.schema_arrow.names)


def arrow_shape(path: Path, uri: str) -> tuple[int, tuple[str, ...]]:
    """How many rows an Arrow IPC file has, and its columns, from its record batches' headers."""
    with _named_faults(uri, "an Arrow"), pa.memory_map(str(path)) as source:
        schema, batches = _record_batches(source)
        return sum(batch.num_rows for batch in batches), tuple(schema.names)


def _validated(batch: Any) -> Any:
    """The batch, once its offsets and text are known to be sound; Arrow itself does not look."""
    batch.validate(full=True)
    return batch


def _record_batches(source: Any) -> tuple[Any, Iterator[Any]]:
    """The schema and the record batches of either IPC format: the file's, or the stream's."""
    if source.read(len(FILE_MAGIC)) == FILE_MAGIC:
        file = pa.ipc.open_file(source)
        return file.schema, map(file.get_batch, range(file.num_record_batches))
    source.seek(0)
    stream = pa.ipc.open_stream(source)
    return stream.schema, iter(stream)


def _rows(batches: Iterable[Any], uri: str) -> Iterator[Row]:
    number = 0
    for batch in batches:
        for start in range(0, batch.num_rows, ROWS_AT_A_TIME):
            for fields in batch.slice(start, ROWS_AT_A_TIME).to_pylist():
                number += 1
                yield Row(fields, uri, number)


@contextmanager
def _named_faults(uri: str, kind: str) -> Iterator[None]:
    """Say which file it is that Arrow could not read."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, OverflowError) as cause:
        reason = str(cause).strip().splitlines()[0].partition(". ")[0].rstrip(".")
        raise DataError(
            f"it cannot be read as {kind} file: {reason[:1].lower()}{reason[1:]}",
            uri=uri,
            help="write the file anew; it was cut off, or its name ends in what it is not",
        ) from cause


# --------------------------------------------------------------------------------------- columns


def write_columns(folder: Path, chunks: Iterable[Mapping[str, np.ndarray]]) -> None:
    """Append chunks of columns, and leave one Arrow IPC file for each column in the folder.

    Every column becomes one record batch, so that it can be mapped as one array; it is gathered
    as raw bytes on the disk first, so that no more than a chunk is ever held in memory.
    """
    types: dict[str, np.dtype[Any]] = {}
    raw: dict[str, BinaryIO] = {}
    try:
        for chunk in chunks:
            for name, array in chunk.items():
                if name not in raw:
                    types[name] = array.dtype
                    raw[name] = (folder / f"{name}.raw").open("wb")
                if array.dtype != types[name]:
                    raise TypeError(f"column {name} is {types[name]}, then {array.dtype}")
                raw[name].write(np.ascontiguousarray(array).data)
    finally:
        for file in raw.values():
            file.close()
    for name, dtype in types.items():
        _seal_column(folder, name, dtype)


def _seal_column(folder: Path, name: str, dtype: np.dtype[Any]) -> None:
    path = folder / f"{name}.raw"
    values = np.memmap(path, dtype, "r") if path.stat().st_size else np.empty(0, dtype)
    batch = pa.record_batch([pa.array(values)], names=[name])
    with pa.ipc.new_file(str(folder / f"{name}.arrow"), batch.schema) as writer:
        writer.write_batch(batch)
    path.unlink()


def read_columns(folder: Path) -> dict[str, np.ndarray]:
    """The columns that `write_columns` left in a folder, memory-mapped and read-only."""
    columns: dict[str, np.ndarray] = {}
    for path in sorted(folder.glob("*.arrow")):
        batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
        batch.validate()
        columns[path.stem] = batch.column(0).to_numpy(zero_copy_only=True)
    return columns


# --------------------------------------------------------------------------------------- metrics


def metrics_bytes(metrics: Sequence[Metric]) -> bytes:
    """Measurements as the bytes of a Parquet file."""
    columns = [
        [metric.step for metric in metrics],
        [metric.name for metric in metrics],
        [metric.value for metric in metrics],
        [metric.time for metric in metrics],
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, METRICS, strict=True)]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=METRICS), sink, compression="zstd")
    return sink.getvalue()


def read_metrics(path: Path) -> list[Metric]:
    """The measurements of one file that `metrics_bytes` made."""
    table = pq.ParquetFile(path).read(columns=METRICS.names)
    columns = (table.column(name).to_pylist() for name in METRICS.names)
    return [Metric(*values) for values in zip(*columns, strict=True)]


def metrics_rows(path: Path) -> int:
    """How many measurements a file holds, from its footer."""
    return int(pq.read_metadata(path).num_rows)
