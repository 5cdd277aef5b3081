"""What every `metrics` adapter promises."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitchen.runtime.plugins import adapters
from kitchen.runtime.ports import AdapterError, MetricsStore, Workspace

NAMES = ("noop", "parquet")


@pytest.fixture(params=NAMES)
def metrics(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> MetricsStore:
    monkeypatch.setattr("kitchen.runtime.adapters.parquet.metrics.PART", 4)
    return make(request.param, tmp_path)


def make(name: str, folder: Path) -> MetricsStore:
    workspace = Workspace(folder, folder / "cache", folder / "run")
    made: MetricsStore = adapters()["metrics"][name].bind({}, workspace)
    return made


def logged(store: MetricsStore) -> list[tuple[int, str, float]]:
    return [(metric.step, metric.name, metric.value) for metric in store.read()]


def log(store: MetricsStore, steps: range) -> list[tuple[int, str, float]]:
    for step in steps:
        store.log(step, {"train/loss": 1 / step, "train/tokens": step})
    return [
        pair
        for step in steps
        for pair in ((step, "train/loss", 1 / step), (step, "train/tokens", float(step)))
    ]


def test_every_adapter_is_held_to_the_contract() -> None:
    assert set(NAMES) == set(adapters()["metrics"])


def test_what_was_logged_is_read_in_order(metrics: MetricsStore) -> None:
    assert logged(metrics) == []
    expected = log(metrics, range(1, 8))
    assert logged(metrics) == expected
    metrics.flush()
    assert logged(metrics) == expected
    times = [metric.time for metric in metrics.read()]
    assert times == sorted(times)
    assert times[0] > 1e9


def test_the_position_counts_measurements(metrics: MetricsStore) -> None:
    assert metrics.position() == 0
    log(metrics, range(1, 4))
    assert metrics.position() == 6
    metrics.flush()
    assert metrics.position() == 6
    metrics.log(4, {})
    assert metrics.position() == 6


@pytest.mark.parametrize("position", range(15))
@pytest.mark.parametrize("flushed", [False, True])
def test_rewinding_forgets_what_came_after(
    metrics: MetricsStore, position: int, flushed: bool
) -> None:
    expected = log(metrics, range(1, 8))
    if flushed:
        metrics.flush()
    metrics.rewind(position)
    assert metrics.position() == position
    assert logged(metrics) == expected[:position]
    more = log(metrics, range(1, 4))
    assert logged(metrics) == expected[:position] + more


def test_rewinding_past_the_end_is_refused(metrics: MetricsStore) -> None:
    log(metrics, range(1, 3))
    with pytest.raises(AdapterError, match="4 metrics were kept"):
        metrics.rewind(5)
    assert metrics.position() == 4


def test_numbers_that_are_none_are_kept(metrics: MetricsStore) -> None:
    metrics.log(1, {"a": math.inf, "b": -math.inf, "c": math.nan, "d": 5e-324, "e": 10**15 + 0.5})
    metrics.flush()
    a, b, c, d, e = (value for _, _, value in logged(metrics))
    assert (a, b, d, e) == (math.inf, -math.inf, 5e-324, 10**15 + 0.5)
    assert math.isnan(c)


@given(
    st.lists(st.one_of(st.integers(1, 9), st.just("flush"), st.floats(0, 1)), max_size=30),
    st.sampled_from(NAMES),
)
def test_any_history_gives_what_a_list_would(
    tmp_path_factory: pytest.TempPathFactory, history: list[object], name: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kitchen.runtime.adapters.parquet.metrics.PART", 4)
        store = make(name, tmp_path_factory.mktemp("metrics"))
        model: list[tuple[int, str, float]] = []
        for act in history:
            match act:
                case int(step):
                    model += log(store, range(step, step + 1))
                case float(share):
                    position = round(share * len(model))
                    store.rewind(position)
                    del model[position:]
                case _:
                    store.flush()
            assert store.position() == len(model)
        assert logged(store) == model
