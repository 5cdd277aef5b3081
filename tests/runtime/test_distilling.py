"""The loss of distillation against float64 numpy: value, gradient, and what it is made of."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kitchen.runtime.adapters.noop import TRAINING as NOOP
from kitchen.runtime.adapters.torch import TRAINING as TORCH
from kitchen.runtime.batching import BatchOptions
from kitchen.runtime.distilling import Objective, passes_of
from kitchen.runtime.ports import DataError, ModelOptions, TrainingClient, Workspace
from kitchen.runtime.ports.training import AdamParams, LossOptions, TopLogprobs
from kitchen.runtime.soft_targets import SoftBatchStream, mix, tempered
from kitchen.runtime.stages.data import BuildBatchesConfig
from kitchen.runtime.stages.distillation import (
    DistillConfig,
    MeasureDistanceConfig,
    build_soft_batches,
    distill,
    measure_distance,
)
from kitchen.runtime.stages.teachers import SoftTargetsConfig, soft_targets
from kitchen.runtime.teachers import SoftTargets, Teachers
from kitchen.runtime.values import Batch, Session, Tokens
from tests.contracts.training_batches import texts

K, VOCAB = 5, 40
MIXES = [(0.5, 1.0), (1.0, 1.0), (0.25, 2.0), (1.0, 3.0), (0.7, 0.5)]


def some_tokens(*, vocabulary: int = VOCAB, seed: int = 0) -> Tokens:
    """Four sequences of random tokens, some of which are trained on."""
    generator = np.random.default_rng(seed)
    lengths = np.array([5, 9, 4, 7])
    total = int(lengths.sum())
    weights = (generator.random(total) < 0.6).astype(np.float32)
    weights[np.append(0, np.cumsum(lengths[:-1]))] = 0
    return Tokens(
        digest=f"tokens-{seed}",
        tokens=generator.integers(0, vocabulary, total).astype(np.int32),
        weights=weights,
        offsets=np.append(0, np.cumsum(lengths)),
        sequences=4,
        trained=int(weights.sum()),
        truncated=0,
        bytes=total,
    )


def some_soft(tokens: Tokens, shares: tuple[float, ...], temperature: float) -> SoftTargets:
    generator = np.random.default_rng(7)
    tops = []
    for _ in shares:
        logits = generator.normal(size=(tokens.trained, VOCAB)) * 2
        logprobs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        ids = np.argsort(-logprobs, 1)[:, :K].astype(np.int32)
        tops.append((ids, np.take_along_axis(logprobs, ids, 1).astype(np.float32)))
    return mix(tokens, tops, shares, temperature)


# -------------------------------------------------------------------------------- the teacher


def test_the_likeliest_are_renormalised_at_a_temperature() -> None:
    logits = np.random.default_rng(0).normal(size=(6, VOCAB)) * 3
    logprobs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    for temperature in (0.5, 1.0, 4.0):
        everything = np.exp(logits / temperature)
        everything /= everything.sum(1, keepdims=True)
        np.testing.assert_allclose(tempered(logprobs, temperature), everything, rtol=1e-10)
        some = everything[:, :K] / everything[:, :K].sum(1, keepdims=True)
        np.testing.assert_allclose(tempered(logprobs[:, :K], temperature), some, rtol=1e-10)


def test_teachers_stand_side_by_side_with_their_shares() -> None:
    tokens = some_tokens()
    soft = some_soft(tokens, (0.25, 0.75), 1.0)
    assert soft.ids.shape == soft.chances.shape == (tokens.trained, 2 * K)
    np.testing.assert_allclose(soft.chances[:, :K].sum(1), 0.25, rtol=1e-6)
    np.testing.assert_allclose(soft.chances[:, K:].sum(1), 0.75, rtol=1e-6)
    own = soft.chances.astype(np.float64) / np.repeat([0.25, 0.75], K)
    expected = (soft.chances * np.log(own)).reshape(-1, 2, K).sum(2)
    np.testing.assert_allclose(soft.negentropy, expected, rtol=1e-5)


def test_a_probability_of_nothing_is_no_fault() -> None:
    """A token so unlikely that its probability is 0 in float64 adds nothing to the entropy."""
    tokens = some_tokens()
    logprobs = np.tile(np.array([0.0, -1e4], np.float32), (tokens.trained, 1))
    ids = np.tile(np.array([1, 2], np.int32), (tokens.trained, 1))
    soft = mix(tokens, [(ids, logprobs)], (1.0,), 1.0)
    assert not soft.negentropy.any()
    np.testing.assert_array_equal(soft.chances[0], [1, 0])


def test_soft_targets_stand_beside_the_tokens_they_are_for() -> None:
    tokens = some_tokens()
    soft = some_soft(tokens, (1.0,), 1.0)
    row_of = dict(zip(np.flatnonzero(tokens.weights).tolist(), range(tokens.trained), strict=True))
    stream = SoftBatchStream(tokens, soft, BatchOptions(batch_size=3, seed=5))
    seen = 0
    for batch in stream.iterate():
        columns = batch.columns
        np.testing.assert_allclose(columns["soft_weights"].sum(1), columns["weights"], rtol=1e-5)
        for at in np.flatnonzero(columns["weights"]):
            places = [
                place
                for place, row in row_of.items()
                if np.array_equal(soft.ids[row], columns["soft_targets"][at])
            ]
            assert columns["targets"][at] in tokens.tokens[places]
            seen += 1
    assert seen == tokens.trained


# ----------------------------------------------------------------------------------- the loss


class Table(Session):
    """A student that has one row of logits for each place of a batch, float64."""

    def __init__(self, places: int) -> None:
        self.step = 0
        self.logits = np.random.default_rng(3).normal(size=(places, VOCAB))


class Recorder:
    """Answers with the table's log-probabilities; remembers each pass."""

    def __init__(self) -> None:
        self.passes: list[tuple[Batch, LossOptions]] = []

    def forward_backward(self, session: Table, batch: Batch, loss: LossOptions) -> Future[Any]:
        from kitchen.runtime.ports import ForwardOutput

        self.passes.append((batch, loss))
        logprobs = log_softmax(session.logits / loss.config.get("temperature", 1.0))
        ids = batch.columns["targets"]
        chosen = np.take_along_axis(logprobs, ids.reshape(len(ids), -1), 1).reshape(ids.shape)
        value = -(batch.columns["weights"] * chosen).sum()
        future: Future[ForwardOutput] = Future()
        future.set_result(ForwardOutput(float(value), chosen, {}))
        return future


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(1, keepdims=True)
    found: np.ndarray = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return found


def expected_loss(
    logits: np.ndarray, batch: Batch, alpha: float, temperature: float
) -> tuple[float, float]:
    """alpha T^2 KL + (1 - alpha) CE and KL, from the definition and one place at a time."""
    columns, loss, divergence = batch.columns, 0.0, 0.0
    for at in np.flatnonzero(columns["weights"]):
        weight = float(columns["weights"][at])
        flat = log_softmax(logits[at : at + 1] / temperature)[0]
        plain = log_softmax(logits[at : at + 1])[0]
        kl = 0.0
        for token, chance in zip(
            columns["soft_targets"][at], columns["soft_weights"][at], strict=True
        ):
            q = float(chance) / weight
            kl += q * (np.log(q) - flat[token])
        divergence += weight * kl
        loss += weight * alpha * temperature**2 * kl
        loss -= weight * (1 - alpha) * plain[columns["targets"][at]]
    return loss, divergence


def whole_batch(temperature: float) -> Batch:
    tokens = some_tokens()
    soft = some_soft(tokens, (1.0,), temperature)
    (batch,) = SoftBatchStream(tokens, soft, BatchOptions(batch_size=4)).iterate()
    return batch


def config_for(alpha: float, temperature: float, **more: Any) -> DistillConfig:
    loss = "cross_entropy" if temperature == 1 else "tempered_cross_entropy"
    return DistillConfig(alpha=alpha, temperature=temperature, soft_loss=loss, **more)


@pytest.mark.parametrize(("alpha", "temperature"), MIXES)
def test_the_loss_is_what_its_definition_says(alpha: float, temperature: float) -> None:
    batch = whole_batch(temperature)
    session, training = Table(batch.tokens.size), Recorder()
    config = config_for(alpha, temperature)
    losses, distance = distill(session, batch, config=config, training=training).result()  # type: ignore[arg-type]
    loss, divergence = expected_loss(session.logits, batch, alpha, temperature)
    assert losses.loss == pytest.approx(loss, rel=1e-6)
    assert losses.weight == pytest.approx(1)
    assert losses.tokens == distance.tokens == batch.trained
    assert distance.kl == pytest.approx(divergence, rel=1e-5)
    assert distance.kl > 0
    assert len(training.passes) == 1 + (temperature != 1 and alpha < 1)


@pytest.mark.parametrize(("alpha", "temperature"), MIXES)
def test_the_passes_have_the_gradient_of_the_loss(alpha: float, temperature: float) -> None:
    """Central differences of the definition, against those of what the adapter is asked for."""
    batch = whole_batch(temperature)
    objective = Objective(alpha, temperature)
    logits = Table(batch.tokens.size).logits

    def asked(logits: np.ndarray) -> float:
        total = 0.0
        for one, loss in passes_of(batch, objective):
            logprobs = log_softmax(logits / loss.config.get("temperature", 1.0))
            ids = one.columns["targets"].reshape(len(logits), -1)
            weights = one.columns["weights"].astype(np.float64).reshape(ids.shape)
            total -= float((weights * np.take_along_axis(logprobs, ids, 1)).sum())
        return total

    for at in [(0, 1), (2, 3), *zip(*np.nonzero(batch.columns["soft_weights"]), strict=True)][:12]:
        place = (at[0], int(batch.columns["soft_targets"][at]) if at[1] < K else at[1])
        slopes = []
        for value in (asked, lambda z: expected_loss(z, batch, alpha, temperature)[0]):
            up, down = logits.copy(), logits.copy()
            up[place] += 1e-5
            down[place] -= 1e-5
            slopes.append((value(up) - value(down)) / 2e-5)
        assert slopes[0] == pytest.approx(slopes[1], abs=1e-6)


def test_micro_batches_add_up() -> None:
    class Rows(Recorder):
        """Gives each part the rows of the table that it is of."""

        def __init__(self, table: Table) -> None:
            super().__init__()
            self.table, self.begins = table, 0

        def forward_backward(self, session: Table, batch: Batch, loss: LossOptions) -> Any:
            part = Table(batch.tokens.size)
            part.logits = self.table.logits[self.begins : self.begins + batch.tokens.size]
            self.begins += batch.tokens.size
            return super().forward_backward(part, batch, loss)

    batch = whole_batch(1.0)
    table = Table(batch.tokens.size)
    whole, parted = (
        distill(
            table,
            batch,
            config=config_for(0.5, 1.0, micro_batch_size=size),
            training=Rows(table),  # type: ignore[arg-type]
        ).result()
        for size in (0, 1)
    )
    assert parted.losses.loss == pytest.approx(whole.losses.loss, rel=1e-6)
    assert parted.distance.kl == pytest.approx(whole.distance.kl, rel=1e-6)
    assert parted.losses.tokens == whole.losses.tokens


@pytest.mark.parametrize("shares", [(1.0,), (0.25, 0.75), (0.2, 0.3, 0.5)])
def test_each_teacher_has_a_distance_of_its_own(shares: tuple[float, ...]) -> None:
    """The divergence from it alone; the mean of them by their shares is that from all."""
    tokens = some_tokens()
    soft = some_soft(tokens, shares, 1.0)
    (batch,) = SoftBatchStream(tokens, soft, BatchOptions(batch_size=99)).iterate()
    table = Table(batch.tokens.size)
    given = distill(table, batch, config=config_for(1.0, 1.0), training=Recorder()).result()  # type: ignore[arg-type]
    known, columns, wanted = log_softmax(table.logits), batch.columns, []
    for number, share in enumerate(shares):
        own = slice(number * K, (number + 1) * K)
        total = 0.0
        for at in np.flatnonzero(columns["weights"]):
            weight = float(columns["weights"][at])
            q = columns["soft_weights"][at, own].astype(float) / weight / share
            total += weight * (q * (np.log(q) - known[at, columns["soft_targets"][at, own]])).sum()
        wanted.append(total / columns["weights"].sum(dtype=float))
    assert given.distance.by_teacher == pytest.approx(wanted, rel=1e-4)
    assert given.distance.kl == pytest.approx(np.dot(shares, wanted), rel=1e-4)


def test_a_temperature_takes_the_loss_that_knows_it() -> None:
    config = DistillConfig(temperature=2.0)
    with pytest.raises(DataError, match="temperature 2 takes the loss `tempered_cross_entropy`"):
        distill(Table(1), whole_batch(1.0), config=config, training=Recorder())  # type: ignore[arg-type]


# ------------------------------------------------------------------------------- real adapters


@pytest.fixture(scope="module", params=["noop", "torch"])
def training(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("training")
    adapter = {"noop": NOOP, "torch": TORCH}[request.param]
    return adapter.bind({}, Workspace(folder, folder / "cache"))


class Memory:
    """Keeps columns; counts what was looked for and found."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.found = 0

    def cached(self, key: str) -> Any:
        self.found += key in self.kept
        return self.kept.get(key)

    def keep(self, key: str, chunks: Any) -> Any:
        (self.kept[key],) = chunks
        return self.kept[key]


def opened(training: TrainingClient, seed: int) -> Session:
    tokenizer = training.load_tokenizer("nano", texts)
    return training.open_session(ModelOptions(model="nano", seed=seed), tokenizer)


def test_a_student_comes_near_its_teachers(training: Any) -> None:
    """The divergence over the very tokens falls, and teachers are read once for each data set."""
    tokens, memory = some_tokens(vocabulary=200), Memory()
    teachers = Teachers((opened(training, 1), opened(training, 2)), (0.5, 0.5))
    ask = SoftTargetsConfig(k=50)
    soft = soft_targets(teachers, tokens, config=ask, training=training, datasets=memory)  # type: ignore[arg-type]
    again = soft_targets(teachers, tokens, config=ask, training=training, datasets=memory)  # type: ignore[arg-type]
    assert memory.found == 2
    assert np.array_equal(soft.ids, again.ids)
    student = opened(training, 3)
    measure, rate = MeasureDistanceConfig(), 3e-3 if hasattr(student, "model") else 0.1
    before = measure_distance(student, tokens, soft, config=measure, training=training)
    for epoch in range(12):
        stream = build_soft_batches(
            tokens, soft, config=BuildBatchesConfig(batch_size=2, epoch=epoch)
        )
        for batch in stream.iterate():
            config = config_for(1.0, 1.0)
            distill(student, batch, config=config, training=training).result()
            training.optim_step(student, AdamParams(learning_rate=rate)).result()
    after = measure_distance(student, tokens, soft, config=measure, training=training)
    assert 0 <= after.kl < 0.8 * before.kl


def test_soft_targets_of_other_tokens_are_refused() -> None:
    soft = some_soft(some_tokens(), (1.0,), 1.0)
    with pytest.raises(DataError, match="of other tokens"):
        build_soft_batches(some_tokens(seed=1), soft, config=BuildBatchesConfig())


def test_a_teacher_that_fails_fails_the_step(tmp_path: Path) -> None:
    class Failing:
        """A teacher that cannot be read."""

        def weights_digest(self, session: Session) -> str:
            return "weights"

        def topk_logprobs(self, session: Session, batch: Batch, k: int) -> Future[TopLogprobs]:
            from kitchen.runtime.ports import AdapterError

            future: Future[TopLogprobs] = Future()
            future.set_exception(AdapterError("the teacher is gone"))
            return future

    teachers, memory = Teachers((Table(1),), (1.0,)), Memory()
    with pytest.raises(Exception, match="the teacher is gone"):
        soft_targets(
            teachers,
            some_tokens(),
            config=SoftTargetsConfig(),
            training=Failing(),
            datasets=memory,  # type: ignore[arg-type]
        )
    assert not memory.kept
