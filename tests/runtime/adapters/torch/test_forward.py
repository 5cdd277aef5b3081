"""The layouts of a batch, and which logits are computed: all of them give the same numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from kitchen.runtime.adapters.torch import attention, forward, layout
from kitchen.runtime.adapters.torch.session import TorchSession
from kitchen.runtime.adapters.torch.tokenizer import FastTokenizer
from kitchen.runtime.adapters.torch.training import TorchTraining
from kitchen.runtime.ports import AdapterError, LossOptions
from kitchen.runtime.values import Batch
from tests.contracts.training_batches import random_batch
from tests.runtime.adapters.torch.conftest import Open

CPU = torch.device("cpu")
CROSS_ENTROPY = LossOptions()


def reference(session: TorchSession, batch: Batch) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss and gradients, document by document, through nothing but transformers."""
    model = session.model
    model.set_attn_implementation("eager")
    model.zero_grad()
    total = torch.zeros((), dtype=torch.float64)
    for low, high in zip(batch.offsets[:-1], batch.offsets[1:], strict=True):
        ids = torch.from_numpy(batch.tokens[low:high].astype(np.int64))[None]
        targets = torch.from_numpy(batch.columns["targets"][low:high].astype(np.int64))
        weights = torch.from_numpy(batch.columns["weights"][low:high])
        logprobs = model(input_ids=ids, use_cache=False).logits[0].log_softmax(1)
        total = total - (weights * logprobs.gather(1, targets[:, None])[:, 0]).sum()
    total.backward()
    gradients = {name: p.grad.clone() for name, p in session.parameters.items()}
    model.zero_grad()
    model.set_attn_implementation(attention.ATTENTION)
    return float(total.detach()), gradients


@pytest.mark.parametrize("dense_from", [0.0, 2.0], ids=["dense", "ragged"])
@pytest.mark.parametrize("all_from", [0.0, 2.0], ids=["all-logits", "chosen-logits"])
@pytest.mark.parametrize("lengths", [(7, 19, 3, 12), (8, 8, 8), (30,), (1, 1, 5)], ids=str)
def test_every_way_is_exact(
    monkeypatch: pytest.MonkeyPatch,
    training: TorchTraining,
    tokenizer: FastTokenizer,
    opened: Open,
    dense_from: float,
    all_from: float,
    lengths: Sequence[int],
) -> None:
    monkeypatch.setattr(layout, "DENSE_FROM", dense_from)
    monkeypatch.setattr(forward, "ALL_FROM", all_from)
    session, batch = opened(), random_batch(tokenizer, lengths, trained=0.7)
    loss, gradients = reference(session, batch)
    output = training.forward_backward(session, batch, CROSS_ENTROPY).result()
    assert output.loss == pytest.approx(loss, rel=1e-5)
    for name, parameter in session.parameters.items():
        assert parameter.grad is not None
        torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-3, atol=1e-6)


def test_ragged_batches_carry_no_padding(tokenizer: FastTokenizer) -> None:
    batch = random_batch(tokenizer, (3, 40, 2, 30, 4))
    laid = layout.lay_out(batch, CPU)
    assert laid.width == 79
    assert laid.positions[0].tolist() == [*range(40), *range(30), *range(4), *range(3), *range(2)]
    assert laid.ids[0, laid.places].tolist() == batch.tokens.tolist()
    shapes = [(group.documents, group.longest, group.size) for group in laid.groups]
    assert shapes == [(2, 40, 70), (2, 4, 7), (1, 2, 2)]


def test_even_batches_are_laid_out_without_a_copy(tokenizer: FastTokenizer) -> None:
    batch = random_batch(tokenizer, (40, 39, 40))
    laid = layout.lay_out(batch, CPU)
    (group,) = laid.groups
    assert group.grid is None
    assert (group.documents, group.longest, laid.width) == (3, 40, 120)
    assert laid.ids[0, laid.places].tolist() == batch.tokens.tolist()


def test_a_model_that_looks_across_documents_is_given_them_apart(
    training: TorchTraining, tokenizer: FastTokenizer, opened: Open
) -> None:
    from transformers import MistralConfig, MistralForCausalLM

    config = MistralConfig(
        vocab_size=tokenizer.vocab_size,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        sliding_window=6,
    )
    model = MistralForCausalLM(config)
    assert not attention.isolate_documents(model)
    session = opened()
    windowed = TorchSession(session.options, tokenizer, model, None, CPU, isolates=False)
    batch = random_batch(tokenizer, (7, 19, 3))
    output = training.forward(windowed, batch, CROSS_ENTROPY).result()
    alone = []
    for low, high in zip(batch.offsets[:-1], batch.offsets[1:], strict=True):
        span = slice(int(low), int(high))
        columns = {name: column[span] for name, column in batch.columns.items()}
        one = Batch(0, batch.tokens[span], np.array([0, high - low]), columns, 1, 0)
        alone.append(training.forward(windowed, one, CROSS_ENTROPY).result().logprobs)
    np.testing.assert_allclose(output.logprobs, np.concatenate(alone), atol=1e-5)


def test_a_sequence_longer_than_the_context_is_refused(
    training: TorchTraining, tokenizer: FastTokenizer, opened: Open
) -> None:
    batch = random_batch(tokenizer, (2049,))
    with pytest.raises(AdapterError, match="2049 tokens") as raised:
        training.forward(opened(), batch, CROSS_ENTROPY).result()
    assert "max_length" in raised.value.help


def test_a_pass_over_nothing_trained_gives_zero(
    training: TorchTraining, tokenizer: FastTokenizer, opened: Open
) -> None:
    session, batch = opened(), random_batch(tokenizer, trained=0.0)
    output = training.forward_backward(session, batch, CROSS_ENTROPY).result()
    assert output.loss == 0
    assert not output.logprobs.any()


def test_accuracy_counts_the_likeliest(
    training: TorchTraining, tokenizer: FastTokenizer, opened: Open
) -> None:
    session, batch = opened(), random_batch(tokenizer)
    right = 0.0
    for low, high in zip(batch.offsets[:-1], batch.offsets[1:], strict=True):
        ids = torch.from_numpy(batch.tokens[low:high].astype(np.int64))[None]
        with torch.no_grad():
            best = session.model(input_ids=ids, use_cache=False).logits[0].argmax(1).numpy()
        batch.columns["targets"][low : low + 1] = best[:1]
        hits = best == batch.columns["targets"][low:high]
        right += float((batch.columns["weights"][low:high] * hits).sum())
    metrics = training.forward(session, batch, CROSS_ENTROPY).result().metrics
    assert metrics["correct:sum"] == pytest.approx(right)
