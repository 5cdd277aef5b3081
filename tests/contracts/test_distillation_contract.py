"""What distillation asks of an adapter of the `training` port, where it declares it.

`topk_logprobs`: the likeliest tokens at each place. `loss.tempered_cross_entropy`: cross-entropy
of the distribution at a temperature.
"""

from __future__ import annotations

import os
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest

from kitchen.runtime.adapter import Adapter
from kitchen.runtime.ports import (
    AdamParams,
    AdapterError,
    LossOptions,
    ModelOptions,
    TrainingClient,
    Workspace,
)
from kitchen.runtime.values import Batch, Session, Tokenizer
from tests.contracts.training_batches import random_batch, texts, with_columns

MODEL = os.environ.get("KITCHEN_CONTRACT_MODEL", "nano")
ADAM = AdamParams(learning_rate=0.02)
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


@pytest.fixture
def batch(tokenizer: Tokenizer) -> Batch:
    return random_batch(tokenizer)


@pytest.fixture
def session(training: TrainingClient, tokenizer: Tokenizer) -> Session:
    """A model that is some steps away from where it began: its distribution is not flat."""
    return trained(training, tokenizer)


def trained(training: TrainingClient, tokenizer: Tokenizer) -> Session:
    opened = training.open_session(ModelOptions(model=MODEL, seed=3), tokenizer)
    for seed in range(6):
        training.forward_backward(opened, random_batch(tokenizer, seed=seed), CROSS_ENTROPY)
        training.optim_step(opened, ADAM).result()
    return opened


def tempered(temperature: float) -> LossOptions:
    return LossOptions(name="tempered_cross_entropy", config={"temperature": temperature})


@pytest.fixture
def ranks(adapter: Adapter) -> None:
    if "topk_logprobs" not in adapter.capabilities:
        pytest.skip("the adapter does not declare `topk_logprobs`")


@pytest.fixture
def tempers(adapter: Adapter) -> None:
    if "loss.tempered_cross_entropy" not in adapter.capabilities:
        pytest.skip("the adapter does not declare `loss.tempered_cross_entropy`")


@pytest.mark.usefixtures("ranks")
def test_the_likeliest_tokens_have_the_log_probabilities_of_a_pass(
    training: TrainingClient, session: Session, batch: Batch
) -> None:
    top = training.topk_logprobs(session, batch, 5).result()
    carries = batch.columns["weights"] > 0
    assert top.ids.shape == top.logprobs.shape == (batch.tokens.size, 5)
    assert (top.ids.dtype, top.logprobs.dtype) == (np.int32, np.float32)
    assert not top.ids[~carries].any()
    assert not top.logprobs[~carries].any()
    assert (np.diff(top.logprobs[carries], axis=1) <= 0).all()
    weights = np.repeat(carries[:, None], 5, 1).astype(np.float32)
    asked = with_columns(batch, targets=top.ids, weights=weights)
    passed = training.forward(session, asked, CROSS_ENTROPY).result()
    np.testing.assert_allclose(top.logprobs, passed.logprobs, atol=1e-5)


@pytest.mark.usefixtures("ranks")
def test_no_token_is_likelier_than_the_likeliest(
    training: TrainingClient, session: Session, batch: Batch
) -> None:
    top = training.topk_logprobs(session, batch, 5).result()
    told = training.forward(session, batch, CROSS_ENTROPY).result().logprobs
    outside = (top.ids != batch.columns["targets"][:, None]).all(1)
    outside &= batch.columns["weights"] > 0
    assert outside.any()
    assert (told[outside] <= top.logprobs[outside, -1] + 1e-6).all()


@pytest.mark.usefixtures("ranks")
def test_all_tokens_together_are_certain(
    training: TrainingClient, session: Session, tokenizer: Tokenizer, batch: Batch
) -> None:
    count = tokenizer.vocab_size
    top = training.topk_logprobs(session, batch, count).result()
    sums = np.exp(top.logprobs[batch.columns["weights"] > 0].astype(np.float64)).sum(1)
    if MODEL == "nano":  # a model may know more tokens than its tokenizer
        np.testing.assert_allclose(sums, 1, atol=1e-4)
    with pytest.raises(AdapterError, match="1000000"):
        training.topk_logprobs(session, batch, 10**6).result()


@pytest.mark.usefixtures("ranks")
def test_ranking_leaves_nothing_behind(
    training: TrainingClient, session: Session, batch: Batch
) -> None:
    first, second = (training.topk_logprobs(session, batch, 3).result() for _ in range(2))
    assert np.array_equal(first.ids, second.ids)
    assert np.array_equal(first.logprobs, second.logprobs)
    with pytest.raises(AdapterError, match="gradient"):
        training.optim_step(session, ADAM).result()


@pytest.mark.usefixtures("ranks")
def test_a_closed_session_ranks_nothing(
    training: TrainingClient, session: Session, batch: Batch, tmp_path: Path
) -> None:
    training.close_session(session)
    with pytest.raises(AdapterError, match="closed"):
        training.topk_logprobs(session, batch, 3).result()


@pytest.mark.usefixtures("tempers")
def test_a_temperature_of_one_changes_nothing(
    training: TrainingClient, tokenizer: Tokenizer, batch: Batch
) -> None:
    norms, losses = [], []
    for loss in (CROSS_ENTROPY, tempered(1.0)):
        session = trained(training, tokenizer)
        losses.append(training.forward_backward(session, batch, loss).result().loss)
        norms.append(training.optim_step(session, ADAM).result().grad_norm)
    assert losses[0] == losses[1]
    assert norms[0] == norms[1]


@pytest.mark.usefixtures("tempers")
def test_a_temperature_flattens_the_model_and_its_gradient(
    training: TrainingClient, tokenizer: Tokenizer, batch: Batch
) -> None:
    """The slope by a logit is that of the flatter distribution, over the temperature."""
    norms = {}
    for temperature in (1e3, 1e4):
        session = trained(training, tokenizer)
        output = training.forward_backward(session, batch, tempered(temperature)).result()
        norms[temperature] = training.optim_step(session, ADAM).result().grad_norm
        assert output.loss >= np.log(tokenizer.vocab_size) - 0.01
    assert norms[1e3] == pytest.approx(10 * norms[1e4], rel=0.01)


@pytest.mark.usefixtures("tempers")
@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_a_temperature_that_is_none_is_refused(
    training: TrainingClient, session: Session, batch: Batch, temperature: float
) -> None:
    with pytest.raises(AdapterError, match="temperature"):
        training.forward_backward(session, batch, tempered(temperature)).result()
