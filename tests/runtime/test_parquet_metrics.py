"""Metrics in Parquet: parts that depend on the rows alone, readable while they grow."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from kitchen.runtime import store
from kitchen.runtime.adapter import NoConfig
from kitchen.runtime.adapters.parquet import metrics as metrics_module
from kitchen.runtime.adapters.parquet.metrics import ParquetMetrics
from kitchen.runtime.ports import AdapterError, Workspace


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_module, "PART", 4)
    monkeypatch.setattr(metrics_module.time, "time", lambda: 1.7e9)


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are written."""
    names: list[str] = []
    commit = store.commit_file

    def watched(target: Path, data: bytes) -> None:
        names.append(target.name)
        commit(target, data)

    monkeypatch.setattr(store, "commit_file", watched)
    return names


def made(run: Path) -> ParquetMetrics:
    return ParquetMetrics(NoConfig(), Workspace(run, run, run))


def log(metrics: ParquetMetrics, *steps: int) -> None:
    for step in steps:
        metrics.log(step, {"train/loss": step / 8})


def files(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (run / "metrics").iterdir()}


def test_what_scripts_rely_on(tmp_path: Path) -> None:
    metrics = made(tmp_path)
    log(metrics, 1, 2, 3, 4, 5)
    metrics.flush()
    table = pq.read_table(tmp_path / "metrics")
    assert [(field.name, str(field.type)) for field in table.schema] == [
        ("step", "int64"),
        ("name", "string"),
        ("value", "double"),
        ("time", "double"),
    ]
    assert table["step"].to_pylist() == [1, 2, 3, 4, 5]
    assert table["value"].to_pylist() == [step / 8 for step in range(1, 6)]
    assert sorted(files(tmp_path)) == ["part-00000.parquet", "part-00001.parquet"]


def test_files_do_not_depend_on_when_they_were_flushed(tmp_path: Path) -> None:
    often, once, resumed = (tmp_path / name for name in ("often", "once", "resumed"))
    metrics = made(often)
    for step in range(11):
        log(metrics, step)
        metrics.flush()
    metrics = made(once)
    log(metrics, *range(11))
    metrics.flush()
    metrics = made(resumed)
    log(metrics, *range(6), 90, 91, 92)
    metrics.flush()
    metrics = made(resumed)
    metrics.rewind(6)
    log(metrics, *range(6, 11))
    metrics.flush()
    assert files(often) == files(once) == files(resumed)


def test_a_step_does_not_write_a_file(tmp_path: Path, writes: list[str]) -> None:
    metrics = made(tmp_path)
    log(metrics, 1, 2, 3)
    assert writes == []
    log(metrics, 4, 5)
    assert writes == ["part-00000.parquet"]


def test_what_waits_is_written_after_some_seconds(
    tmp_path: Path, writes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(metrics_module.time, "monotonic", lambda: now[0])
    metrics = made(tmp_path)
    log(metrics, 1)
    now[0] = metrics_module.FLUSH_AFTER - 1
    log(metrics, 2)
    assert writes == []
    now[0] = metrics_module.FLUSH_AFTER + 1
    log(metrics, 3)
    assert writes == ["part-00000.parquet"]
    assert pq.read_table(tmp_path / "metrics").num_rows == 3
    log(metrics, 4, 5)
    assert len(writes) == 2


def test_a_full_part_is_never_written_again(tmp_path: Path, writes: list[str]) -> None:
    metrics = made(tmp_path)
    log(metrics, *range(8))
    metrics.flush()
    metrics.flush()
    assert writes == ["part-00000.parquet", "part-00001.parquet"]
    log(metrics, 8)
    metrics.flush()
    metrics.flush()
    assert writes[2:] == ["part-00002.parquet"]


@pytest.mark.parametrize("rows", range(10))
def test_another_process_goes_on(tmp_path: Path, rows: int) -> None:
    first = made(tmp_path)
    log(first, *range(rows))
    first.flush()
    second = made(tmp_path)
    assert second.position() == rows
    log(second, *range(rows, 11))
    assert [metric.step for metric in second.read()] == list(range(11))


@pytest.mark.parametrize("position", range(10))
def test_a_rewind_is_on_the_disk(tmp_path: Path, position: int) -> None:
    metrics = made(tmp_path)
    log(metrics, *range(9))
    metrics.flush()
    if position > 9:
        return
    metrics.rewind(position)
    assert [metric.step for metric in made(tmp_path).read()] == list(range(position))


def test_a_part_that_is_damaged_is_named(tmp_path: Path) -> None:
    metrics = made(tmp_path)
    log(metrics, *range(9))
    metrics.flush()
    part = tmp_path / "metrics" / "part-00001.parquet"
    part.write_bytes(part.read_bytes()[:-9])
    with pytest.raises(AdapterError, match=r"part-00001\.parquet` does not hold the metrics"):
        made(tmp_path)


def test_a_part_that_is_missing_is_seen(tmp_path: Path) -> None:
    metrics = made(tmp_path)
    log(metrics, *range(9))
    metrics.flush()
    (tmp_path / "metrics" / "part-00000.parquet").unlink()
    with pytest.raises(AdapterError, match="does not hold the metrics"):
        made(tmp_path)


def test_metrics_need_a_run(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="nothing is run"):
        ParquetMetrics(NoConfig(), Workspace(tmp_path, tmp_path))
