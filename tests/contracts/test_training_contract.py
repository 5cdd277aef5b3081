"""What every adapter of the `training` port does, ours or another's.

Each installed adapter (entry-point group `kitchen.adapters.training`) is held to all of it. An
adapter that needs a model of its own is told which by the environment variable
KITCHEN_CONTRACT_MODEL.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kitchen.runtime.adapter import Adapter
from kitchen.runtime.losses import LOSSES
from kitchen.runtime.ports import (
    AdamParams,
    AdapterError,
    LossOptions,
    LossSlopes,
    ModelOptions,
    TrainingClient,
    Workspace,
)
from kitchen.runtime.values import Batch, Session, Tokenizer
from tests.contracts.training_batches import (
    halves,
    random_batch,
    sampled_columns,
    texts,
    with_columns,
)

MODEL = os.environ.get("KITCHEN_CONTRACT_MODEL", "nano")
ADAM = AdamParams(learning_rate=0.02, weight_decay=0.1)
CROSS_ENTROPY = LossOptions()


@pytest.fixture(
    scope="module",
    params=entry_points(group="kitchen.adapters.training"),
    ids=lambda found: found.name,
)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    declared: Adapter = request.param.load()
    return declared


@pytest.fixture(scope="module")
def training(adapter: Adapter, tmp_path_factory: pytest.TempPathFactory) -> TrainingClient:
    folder = tmp_path_factory.mktemp("training")
    client: TrainingClient = adapter.bind({}, Workspace(folder, folder / "cache"))
    return client


@pytest.fixture(scope="module")
def tokenizer(training: TrainingClient) -> Tokenizer:
    return training.load_tokenizer(MODEL, texts)


@pytest.fixture(params=[0, 4], ids=["full", "lora"])
def options(request: pytest.FixtureRequest, adapter: Adapter) -> ModelOptions:
    if request.param and "lora" not in adapter.capabilities:
        pytest.skip("the adapter does not declare `lora`")
    rank: int = request.param
    return ModelOptions(model=MODEL, lora_rank=rank, lora_dropout=0.1 if rank else 0.0, seed=3)


@pytest.fixture
def batch(tokenizer: Tokenizer) -> Batch:
    return random_batch(tokenizer)


@pytest.fixture
def opened(
    training: TrainingClient, tokenizer: Tokenizer, options: ModelOptions
) -> Callable[[], Session]:
    """Opens sessions that are all alike."""
    return lambda: training.open_session(options, tokenizer)


def step(
    training: TrainingClient, session: Session, batch: Batch, **adam: Any
) -> tuple[float, ...]:
    """One whole step: loss, gradient norm."""
    output = training.forward_backward(session, batch, CROSS_ENTROPY)
    update = training.optim_step(session, AdamParams(**{"learning_rate": 0.02, **adam}))
    return output.result().loss, update.result().grad_norm


def loss_of(training: TrainingClient, session: Session, batch: Batch) -> float:
    return training.forward(session, batch, CROSS_ENTROPY).result().loss


# ------------------------------------------------------------------------------------- opening


def test_declares_what_it_is(adapter: Adapter) -> None:
    assert adapter.port == "training"
    losses = {name for name in adapter.capabilities if name.startswith("loss.")}
    assert losses <= {f"loss.{name}" for name in LOSSES}
    assert {"forward", "forward_backward", "optim_step", "loss.cross_entropy"} <= (
        adapter.capabilities
    )


def test_a_tokenizer_gives_text_back(training: TrainingClient, tokenizer: Tokenizer) -> None:
    text = "the cook peels 7 carrots - ünïcödé 🍲\n"
    (ids,) = tokenizer.encode([text])
    assert ids.dtype == np.int32
    assert ids.max() < tokenizer.vocab_size
    assert tokenizer.decode([*ids.tolist(), tokenizer.eos_id]) == text
    assert training.load_tokenizer(MODEL, texts).digest == tokenizer.digest


def test_the_same_options_give_the_same_weights(
    training: TrainingClient, opened: Callable[[], Session], batch: Batch
) -> None:
    first = opened()
    step(training, first, batch)
    assert loss_of(training, opened(), batch) == loss_of(training, opened(), batch)
    assert loss_of(training, opened(), batch) != loss_of(training, first, batch)


def test_another_seed_gives_other_weights(
    training: TrainingClient, tokenizer: Tokenizer, batch: Batch
) -> None:
    sessions = [
        training.open_session(ModelOptions(model=MODEL, seed=seed), tokenizer) for seed in (0, 1)
    ]
    first, second = (loss_of(training, session, batch) for session in sessions)
    assert first != second


def test_a_closed_session_is_refused(
    training: TrainingClient, opened: Callable[[], Session], batch: Batch, tmp_path: Path
) -> None:
    session = opened()
    training.forward_backward(session, batch, CROSS_ENTROPY)
    training.close_session(session)
    uses: list[Callable[[], object]] = [
        lambda: loss_of(training, session, batch),
        lambda: training.optim_step(session, ADAM).result(),
        lambda: training.save_state(session, tmp_path / "state"),
        lambda: training.save_weights(session, tmp_path / "weights", merge=True),
    ]
    for use in uses:
        with pytest.raises(AdapterError, match="closed"):
            use()
    training.close_session(session)  # once more does no harm


# ------------------------------------------------------------------------------------- passes


def test_loss_is_the_weighted_sum_of_log_probabilities(
    training: TrainingClient, opened: Callable[[], Session], batch: Batch
) -> None:
    output = training.forward(opened(), batch, CROSS_ENTROPY).result()
    weights = batch.columns["weights"]
    assert output.logprobs.shape == batch.columns["targets"].shape
    assert output.logprobs.dtype == np.float32
    assert not output.logprobs[weights == 0].any()
    assert (output.logprobs[weights > 0] < 0).all()
    assert output.loss == pytest.approx(-(weights * output.logprobs).sum(dtype="float64"), 1e-5)


def test_losses_are_sums(
    training: TrainingClient, opened: Callable[[], Session], batch: Batch
) -> None:
    twice = with_columns(batch, weights=batch.columns["weights"] * 2)
    session = opened()
    assert loss_of(training, session, twice) == pytest.approx(2 * loss_of(training, session, batch))


def test_tokens_that_carry_no_weight_do_not_matter(
    training: TrainingClient, opened: Callable[[], Session], batch: Batch
) -> None:
    weights, targets = batch.columns["weights"], batch.columns["targets"].copy()
    targets[weights == 0] = 0
    first = step(training, opened(), batch)
    assert step(training, opened(), with_columns(batch, targets=targets)) == first


def test_a_sequence_does_not_see_its_neighbours(
    training: TrainingClient, opened: Callable[[], Session], batch: Batch
) -> None:
    session = opened()
    whole = training.forward(session, batch, CROSS_ENTROPY).result()
    parts = [training.forward(session, part, CROSS_ENTROPY).result() for part in halves(batch)]
    np.testing.assert_allclose(
        np.concatenate([part.logprobs for part in parts]), whole.logprobs, atol=1e-4
    )


def test_forward_leaves_nothing_behind(
    training: TrainingClient, opened: Callable[[], Session], batch: Batch
) -> None:
    session = opened()
    assert loss_of(training, session, batch) == loss_of(training, session, batch)
    with pytest.raises(AdapterError, match="gradient"):
        training.optim_step(session, ADAM).result()


def test_gradients_add_up(training: TrainingClient, tokenizer: Tokenizer, batch: Batch) -> None:
    options = ModelOptions(model=MODEL)
    whole, parted = (training.open_session(options, tokenizer) for _ in range(2))
    _, norm = step(training, whole, batch)
    for part in halves(batch):
        training.forward_backward(parted, part, CROSS_ENTROPY)
    update = training.optim_step(parted, AdamParams(learning_rate=0.02)).result()
    assert update.grad_norm == pytest.approx(norm, rel=1e-4)
    assert update.step == 1
    assert loss_of(training, parted, batch) == pytest.approx(
        loss_of(training, whole, batch), rel=1e-3
    )


def test_steps_lower_the_loss(
    training: TrainingClient, opened: Callable[[], Session], batch: Batch
) -> None:
    session = opened()
    before = loss_of(training, session, batch)
    for _ in range(8):
        step(training, session, batch)
    assert loss_of(training, session, batch) < before - 0.02


def test_a_step_applies_once_and_clears(
    training: TrainingClient, opened: Callable[[], Session], batch: Batch
) -> None:
    session = opened()
    step(training, session, batch)
    with pytest.raises(AdapterError, match="step 2") as raised:
        training.optim_step(session, ADAM).result()
    assert raised.value.help


def test_clipping_is_told_by_the_norm_before_it(
    training: TrainingClient, opened: Callable[[], Session], batch: Batch
) -> None:
    free, clipped = opened(), opened()
    _, norm = step(training, free, batch, eps=1.0)
    _, same = step(training, clipped, batch, eps=1.0, grad_clip_norm=norm / 10)
    assert same == norm
    # With a large epsilon the size of the gradient shows in the size of the step.
    assert loss_of(training, clipped, batch) > loss_of(training, free, batch)


def test_every_field_of_a_step_counts(
    training: TrainingClient, opened: Callable[[], Session], batch: Batch
) -> None:
    changes: list[dict[str, float]] = [
        {},
        {"learning_rate": 0.01},
        {"beta1": 0.5},
        {"beta2": 0.5},
        {"eps": 0.1},
        {"weight_decay": 0.5},
        {"grad_clip_norm": 1e-3, "eps": 1e-3},
    ]
    losses = []
    for change in changes:
        session = opened()
        for seed in (0, 1):
            other = with_columns(batch, weights=np.roll(batch.columns["weights"], seed))
            step(training, session, other, **change)
        losses.append(loss_of(training, session, batch))
    assert len(set(losses)) == len(changes)


# ------------------------------------------------------------------------------------- losses


def declared_losses(adapter: Adapter) -> list[str]:
    return [name for name in LOSSES if f"loss.{name}" in adapter.capabilities]


def test_every_declared_loss_trains(
    adapter: Adapter, training: TrainingClient, opened: Callable[[], Session], batch: Batch
) -> None:
    sampled = sampled_columns(batch)
    for name in declared_losses(adapter):
        session, loss = opened(), LossOptions(name=name)
        before = training.forward_backward(session, sampled, loss).result().loss
        training.optim_step(session, AdamParams(learning_rate=1e-3)).result()
        assert training.forward(session, sampled, loss).result().loss != before, name


def test_a_missing_column_is_named(
    adapter: Adapter, training: TrainingClient, opened: Callable[[], Session], batch: Batch
) -> None:
    session, sampled = opened(), sampled_columns(batch)
    for name in declared_losses(adapter):
        for column in LOSSES[name].columns:
            pending = training.forward_backward(
                session, with_columns(sampled, **{column: None}), LossOptions(name=name)
            )
            with pytest.raises(AdapterError, match=f"`{column}`"):
                pending.result()


def test_unknown_settings_and_losses_are_refused(
    adapter: Adapter, training: TrainingClient, opened: Callable[[], Session], batch: Batch
) -> None:
    session, sampled = opened(), sampled_columns(batch)
    for name in declared_losses(adapter):
        loss = LossOptions(name=name, config={"clip_low": 0.2})
        with pytest.raises(AdapterError, match="`clip_low`"):
            training.forward_backward(session, sampled, loss).result()
    with pytest.raises(AdapterError, match="`gspo`"):
        training.forward_backward(session, sampled, LossOptions(name="gspo")).result()


def test_soft_targets_spread_the_weight(
    training: TrainingClient, opened: Callable[[], Session], batch: Batch
) -> None:
    targets, weights = batch.columns["targets"], batch.columns["weights"]
    other = np.roll(targets, 5)
    soft = with_columns(
        batch,
        targets=np.stack([targets, other], 1),
        weights=np.stack([weights * np.float32(0.75), weights * np.float32(0.25)], 1),
    )
    session = opened()
    output = training.forward(session, soft, CROSS_ENTROPY).result()
    hard = [
        loss_of(training, session, with_columns(batch, targets=ids)) for ids in (targets, other)
    ]
    assert output.logprobs.shape == (batch.tokens.size, 2)
    assert output.loss == pytest.approx(0.75 * hard[0] + 0.25 * hard[1], rel=1e-5)


def test_a_custom_loss_needs_its_slopes_alone(
    adapter: Adapter, training: TrainingClient, tokenizer: Tokenizer, batch: Batch
) -> None:
    options = ModelOptions(model=MODEL)
    session, other = (training.open_session(options, tokenizer) for _ in range(2))
    weights = batch.columns["weights"]

    def cross_entropy(given: Batch, logprobs: np.ndarray) -> LossSlopes:
        assert logprobs.shape == given.columns["targets"].shape
        assert not logprobs[weights == 0].any()
        slopes = np.where(weights == 0, np.nan, -weights)  # those of no weight are not looked at
        return LossSlopes(float(-(weights * logprobs).sum()), slopes, {"sequences": 4.0})

    if "forward_backward_custom" not in adapter.capabilities:
        with pytest.raises(AdapterError):
            training.forward_backward_custom(session, batch, cross_entropy).result()
        return
    output = training.forward_backward_custom(session, batch, cross_entropy).result()
    same = training.forward_backward(other, batch, CROSS_ENTROPY).result()
    assert output.metrics == {"sequences": batch.sequences}
    assert output.loss == pytest.approx(same.loss, rel=1e-5)
    np.testing.assert_array_equal(output.logprobs, same.logprobs)
    norms = [training.optim_step(one, ADAM).result().grad_norm for one in (session, other)]
    assert norms[0] == pytest.approx(norms[1], rel=1e-4)


def test_weights_are_told_apart_by_their_digest(
    training: TrainingClient, opened: Callable[[], Session], batch: Batch
) -> None:
    first, second = opened(), opened()
    digest = training.weights_digest(first)
    assert training.weights_digest(second) == digest
    training.forward_backward(first, batch, CROSS_ENTROPY).result()
    assert training.weights_digest(first) == digest, "gradients are no weights"
    training.optim_step(first, ADAM).result()
    assert training.weights_digest(first) != digest
    assert training.weights_digest(second) == digest


# ------------------------------------------------------------------------------------- failures


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_no_number_changes_nothing(
    training: TrainingClient, opened: Callable[[], Session], batch: Batch, bad: float
) -> None:
    session = opened()
    step(training, session, batch)
    before = loss_of(training, session, batch)
    weights = batch.columns["weights"].copy()
    weights[np.flatnonzero(weights)[0]] = bad
    pending = training.forward_backward(
        session, with_columns(batch, weights=weights), CROSS_ENTROPY
    )
    with pytest.raises(AdapterError, match="step 2") as raised:
        pending.result()
    assert raised.value.help
    assert loss_of(training, session, batch) == before
    with pytest.raises(AdapterError, match="gradient"):
        training.optim_step(session, ADAM).result()


def test_a_token_the_model_does_not_know_is_named(
    training: TrainingClient, opened: Callable[[], Session], batch: Batch
) -> None:
    targets = batch.columns["targets"].copy()
    targets[0] = 10**6
    with pytest.raises(AdapterError, match="1000000"):
        loss_of(training, opened(), with_columns(batch, targets=targets))


def test_an_empty_batch_is_refused(training: TrainingClient, opened: Callable[[], Session]) -> None:
    nothing = np.zeros(0, np.int32)
    columns = {"targets": nothing, "weights": np.zeros(0, np.float32)}
    empty = Batch(0, nothing, np.zeros(1, np.int64), columns, 0, 0)
    with pytest.raises(AdapterError, match="empty"):
        loss_of(training, opened(), empty)


# --------------------------------------------------------------------------------------- states


def finish(training: TrainingClient, session: Session, batches: list[Batch]) -> list[float]:
    """The losses of further steps, then the loss of the weights they end with."""
    losses = [step(training, session, batch)[0] for batch in batches]
    return [*losses, loss_of(training, session, batches[0])]


def test_a_restored_session_goes_on_to_the_last_bit(
    training: TrainingClient,
    opened: Callable[[], Session],
    tokenizer: Tokenizer,
    tmp_path: Path,
) -> None:
    batches = [random_batch(tokenizer, seed=seed) for seed in range(4)]
    session = opened()
    for batch in batches:
        step(training, session, batch)
    training.forward_backward(session, batches[1], CROSS_ENTROPY).result()  # in mid-accumulation
    training.save_state(session, tmp_path / "state")
    uninterrupted = finish(training, session, batches)

    resumed = opened()
    step(training, resumed, batches[3])  # what it did before is forgotten
    training.load_state_with_optimizer(resumed, tmp_path / "state")
    assert finish(training, resumed, batches) == uninterrupted

    warm = opened()
    training.load_state(warm, tmp_path / "state")
    assert finish(training, warm, batches) != uninterrupted


def test_saving_changes_nothing_and_repeats(
    training: TrainingClient,
    opened: Callable[[], Session],
    tokenizer: Tokenizer,
    tmp_path: Path,
) -> None:
    batches = [random_batch(tokenizer, seed=seed) for seed in range(3)]
    plain, saved = opened(), opened()
    for session in (plain, saved):
        step(training, session, batches[0])
    for name in ("one", "two"):
        training.save_state(saved, tmp_path / name)
        training.save_weights(saved, tmp_path / f"weights-{name}", merge=True)
    assert finish(training, saved, batches) == finish(training, plain, batches)
    assert _bytes(tmp_path / "one") == _bytes(tmp_path / "two")
    assert _bytes(tmp_path / "weights-one") == _bytes(tmp_path / "weights-two")


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_loading_weights_alone_starts_the_optimizer_afresh(
    training: TrainingClient, opened: Callable[[], Session], batch: Batch, tmp_path: Path
) -> None:
    session, other = opened(), opened()
    for _ in range(3):
        step(training, session, batch)
    training.save_state(session, tmp_path / "state")
    training.load_state(other, tmp_path / "state")
    assert loss_of(training, other, batch) == loss_of(training, session, batch)
    training.load_state(session, tmp_path / "state")
    for one, steps in ((other, 1), (session, 4)):  # each goes on counting its own steps
        training.forward_backward(one, batch, CROSS_ENTROPY)
        assert training.optim_step(one, ADAM).result().step == steps


def test_a_state_that_is_not_there_is_named(
    training: TrainingClient, opened: Callable[[], Session], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    for load in (training.load_state, training.load_state_with_optimizer):
        with pytest.raises(AdapterError, match="empty") as raised:
            load(opened(), tmp_path / "empty")
        assert raised.value.help


def test_weights_say_what_they_are(
    training: TrainingClient,
    opened: Callable[[], Session],
    options: ModelOptions,
    tmp_path: Path,
) -> None:
    session = opened()
    assert training.save_weights(session, tmp_path / "merged", merge=True) == "full"
    kind = training.save_weights(session, tmp_path / "apart", merge=False)
    assert kind == ("adapter" if options.lora_rank else "full")
    assert any((tmp_path / "merged").iterdir())
    assert any((tmp_path / "apart").iterdir())
