"""The training stages over the `noop` adapter: what each asks of its port, and gives."""

from __future__ import annotations

import json
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

from kitchen.runtime.adapters.noop import TRAINING
from kitchen.runtime.adapters.noop.training import NoopTraining
from kitchen.runtime.adapters.noop.unigram import ByteTokenizer, UnigramSession
from kitchen.runtime.futures import gather
from kitchen.runtime.ports import AdapterError, DataError, Metric, Workspace
from kitchen.runtime.stages.saving import (
    SaveStateConfig,
    SaveWeightsConfig,
    load_state,
    save_state,
    save_weights,
)
from kitchen.runtime.stages.training import (
    ForwardBackwardConfig,
    LogMetricsConfig,
    OpenSessionConfig,
    OptimStepConfig,
    close_session,
    forward_backward,
    log_metrics,
    micro_batches,
    open_session,
    optim_step,
)
from kitchen.runtime.values import Losses, Update
from tests.contracts.training_batches import random_batch


class Metrics:
    """Keeps what was logged."""

    def __init__(self) -> None:
        self.logged: list[tuple[int, dict[str, float]]] = []

    def log(self, step: int, values: dict[str, float]) -> None:
        self.logged.append((step, values))

    def flush(self) -> None: ...

    def position(self) -> int:
        return len(self.logged)

    def rewind(self, position: int) -> None:
        del self.logged[position:]

    def read(self) -> list[Metric]:
        return []


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, tmp_path / "cache", tmp_path / "run")


@pytest.fixture
def training(workspace: Workspace) -> NoopTraining:
    client: NoopTraining = TRAINING.bind({}, workspace)
    return client


@pytest.fixture
def session(training: NoopTraining) -> UnigramSession:
    config = OpenSessionConfig(model="any", seed=2)
    made: UnigramSession = open_session(ByteTokenizer(), config=config, training=training)
    return made


BATCH = random_batch(ByteTokenizer(), (4, 9, 2, 7, 5))


def test_a_session_is_opened_as_configured(training: NoopTraining, session: UnigramSession) -> None:
    (call,) = training.calls
    assert call.method == "open_session"
    assert (call.asked["model"], call.asked["seed"], call.asked["lora_rank"]) == ("any", 2, 0)
    close_session(session, training=training)
    assert training.calls[-1].method == "close_session"


def test_micro_batches_are_the_batch_in_pieces() -> None:
    assert list(micro_batches(BATCH, 0)) == [BATCH]
    assert list(micro_batches(BATCH, 5)) == [BATCH]
    parts = list(micro_batches(BATCH, 2))
    assert [part.sequences for part in parts] == [2, 2, 1]
    assert sum(part.trained for part in parts) == BATCH.trained
    np.testing.assert_array_equal(np.concatenate([part.tokens for part in parts]), BATCH.tokens)
    lengths = np.concatenate([np.diff(part.offsets) for part in parts])
    assert lengths.tolist() == [4, 9, 2, 7, 5]
    assert all(part.offsets[0] == 0 for part in parts)
    assert all(np.shares_memory(part.tokens, BATCH.tokens) for part in parts)


def test_micro_batches_give_the_same_step(training: NoopTraining) -> None:
    outcomes = []
    for size in (0, 2):
        session = open_session(
            ByteTokenizer(), config=OpenSessionConfig(model="any"), training=training
        )
        config = ForwardBackwardConfig(micro_batch_size=size)
        losses = forward_backward(session, BATCH, config=config, training=training).result()
        config_ = OptimStepConfig(learning_rate=0.1)
        update = optim_step(session, config=config_, training=training).result()
        assert losses.tokens == BATCH.trained
        assert losses.weight == pytest.approx(1, abs=1e-6)
        outcomes.append([losses.loss, update.grad_norm, *session.logits[:5]])
        assert (update.step, update.learning_rate) == (1, 0.1)
    assert outcomes[0] == pytest.approx(outcomes[1], rel=1e-9)
    assert [call.method for call in training.calls].count("forward_backward") == 1 + 3


def test_a_failed_pass_comes_out_where_it_is_read(
    training: NoopTraining, session: UnigramSession
) -> None:
    config = ForwardBackwardConfig(loss_config={"temperature": 2.0}, micro_batch_size=2)
    pending = forward_backward(session, BATCH, config=config, training=training)
    with pytest.raises(AdapterError, match="`temperature`"):
        pending.result()


def test_metrics_are_means_over_the_step() -> None:
    metrics = Metrics()
    losses, update = Losses(loss=6.0, weight=3.0, tokens=40), Update(7, 0.5, 0.01)
    values = {"loss": 2.0, "grad_norm": 0.5, "learning_rate": 0.01, "tokens": 40.0}
    for prefix in ("train", "train/supervised"):
        config = LogMetricsConfig(prefix=prefix)
        log_metrics(losses, update, config=config, metrics=metrics)
        logged = {f"{prefix}/{name}": value for name, value in values.items()}
        assert metrics.logged.pop() == (7, logged)


def test_a_state_is_kept_in_the_run_and_loaded_again(
    training: NoopTraining, session: UnigramSession, workspace: Workspace
) -> None:
    config = SaveStateConfig(name="best")
    state = save_state(session, config=config, training=training, workspace=workspace)
    assert state.uri == "states/best"
    kept = session.logits.copy()
    forward_backward(session, BATCH, config=ForwardBackwardConfig(), training=training)
    optim_step(session, config=OptimStepConfig(learning_rate=0.1), training=training)
    assert not np.array_equal(session.logits, kept)
    later = save_state(session, config=config, training=training, workspace=workspace)
    assert later.digest != state.digest
    forward_backward(session, BATCH, config=ForwardBackwardConfig(), training=training)
    optim_step(session, config=OptimStepConfig(learning_rate=0.1), training=training)
    load_state(session, later, training=training, workspace=workspace)
    again = save_state(session, config=config, training=training, workspace=workspace)
    assert not np.array_equal(session.logits, kept)
    assert again.digest != later.digest  # the optimizer started afresh


def test_weights_are_committed_under_the_run(
    training: NoopTraining, session: UnigramSession, workspace: Workspace
) -> None:
    from kitchen.runtime.store import verify_folder

    assert workspace.run is not None
    for _ in range(2):  # the second replaces the first
        weights = save_weights(
            session, config=SaveWeightsConfig(), training=training, workspace=workspace
        )
    assert (weights.uri, weights.kind) == ("weights", "full")
    assert verify_folder(workspace.run / weights.uri, hashes=True) == []
    content = json.loads((workspace.run / "weights" / "unigram.json").read_text())
    assert content["logits"] == session.logits.tolist()


def test_nothing_is_written_where_nothing_is_run(
    training: NoopTraining, session: UnigramSession, tmp_path: Path
) -> None:
    probe = Workspace(tmp_path, tmp_path / "cache")
    with pytest.raises(DataError):
        save_weights(session, config=SaveWeightsConfig(), training=training, workspace=probe)


# -------------------------------------------------------------------------------------- futures


def test_gathering_waits_for_the_last() -> None:
    first, second = Future[int](), Future[int]()
    whole = gather([first, second], sum)
    second.set_result(2)
    assert not whole.done()
    first.set_result(1)
    assert whole.result(0) == 3


def test_gathering_nothing_is_done() -> None:
    assert gather([], sum).result(0) == 0


def test_the_first_failure_is_that_of_the_whole() -> None:
    futures = [Future[int]() for _ in range(3)]
    whole = gather(futures, sum)
    futures[2].set_exception(KeyError("later"))
    futures[1].set_exception(ValueError("sooner"))
    futures[0].set_result(1)
    with pytest.raises(ValueError, match="sooner"):
        whole.result(0)
