"""What documents begin with alike is computed once, and comes to the same numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from kitchen.runtime.adapters.torch import beginnings, forward
from kitchen.runtime.adapters.torch.beginnings import shared_beginnings
from kitchen.runtime.adapters.torch.forward import run
from kitchen.runtime.adapters.torch.layout import lay_out
from kitchen.runtime.adapters.torch.llama import is_llama
from kitchen.runtime.adapters.torch.tokenizer import FastTokenizer
from kitchen.runtime.adapters.torch.training import TorchTraining
from kitchen.runtime.ports import LossOptions
from kitchen.runtime.values import Batch
from tests.contracts.training_batches import random_batch, sampled_columns, with_columns
from tests.runtime.adapters.torch.conftest import Open
from tests.runtime.adapters.torch.test_forward import reference

CPU = torch.device("cpu")
#: (prompt, its length, answer's length): prompts 0 and 2 are of several documents
ATTEMPTS = [(0, 9, 4), (1, 5, 6), (0, 9, 7), (2, 12, 1), (0, 9, 4), (2, 12, 3)]


def attempts(tokenizer: FastTokenizer, documents: Sequence[tuple[int, int, int]]) -> Batch:
    """Documents of prompt and answer; the last token of a prompt has the first target."""
    batch = random_batch(tokenizer, [before + after for _, before, after in documents], trained=1)
    weights = batch.columns["weights"]
    for (prompt, before, _), start in zip(documents, batch.offsets, strict=False):
        batch.tokens[start : start + before] = 7 + prompt + np.arange(before)
        weights[start : start + before - 1] = 0
    return batch


def test_what_comes_before_the_first_target_is_shared(tokenizer: FastTokenizer) -> None:
    found = shared_beginnings(attempts(tokenizer, ATTEMPTS))
    assert found is not None
    assert found.owners.tolist() == [0, 1, 0, 3, 0, 3]
    assert found.lengths.tolist() == [0, 0, 9, 0, 9, 12]


def test_a_shared_beginning_is_in_the_row_once(tokenizer: FastTokenizer) -> None:
    batch = attempts(tokenizer, ATTEMPTS)
    laid = lay_out(batch, CPU, beginnings=shared_beginnings(batch))
    assert laid.shared
    assert laid.width == batch.tokens.size - 9 - 9 - 12
    assert laid.ids[0, laid.places].tolist() == batch.tokens.tolist()
    within = [t for length in np.diff(batch.offsets) for t in range(length)]
    assert laid.positions[0, laid.places].tolist() == within
    assert sum(group.size for group in laid.groups) == laid.width


@pytest.mark.parametrize(
    "documents",
    [
        ATTEMPTS,
        [(0, 8, 8)] * 4,
        [(0, 30, 1), (0, 30, 20), (1, 3, 2), (0, 30, 2)],
        [(0, 6, 0), (0, 6, 0), (1, 4, 4)],
    ],
    ids=["several", "even", "unlike", "no-answer"],
)
def test_loss_and_gradients_are_those_of_documents_alone(
    training: TorchTraining,
    tokenizer: FastTokenizer,
    opened: Open,
    documents: Sequence[tuple[int, int, int]],
) -> None:
    session, batch = opened(), attempts(tokenizer, documents)
    assert shared_beginnings(batch) is not None
    loss, gradients = reference(session, batch)
    output = training.forward_backward(session, batch, LossOptions()).result()
    assert output.loss == pytest.approx(loss, rel=1e-5)
    for name, parameter in session.parameters.items():
        assert parameter.grad is not None
        torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("lean", [True, False], ids=["lean", "the-model's-own"])
@pytest.mark.parametrize("lora", [0, 4])
def test_a_policys_pass_is_the_same_with_and_without_sharing(
    monkeypatch: pytest.MonkeyPatch,
    training: TorchTraining,
    tokenizer: FastTokenizer,
    opened: Open,
    lora: int,
    lean: bool,
) -> None:
    monkeypatch.setattr(forward, "is_llama", lambda model: lean and is_llama(model))
    batch = sampled_columns(attempts(tokenizer, ATTEMPTS))
    found = []
    for worth in (beginnings.WORTH, 2.0):
        monkeypatch.setattr(beginnings, "WORTH", worth)
        session = opened(lora_rank=lora)
        output = training.forward_backward(session, batch, LossOptions(name="ppo")).result()
        tops = training.topk_logprobs(session, batch, 3).result()
        found.append((output, tops, [p.grad for p in session.parameters.values()]))
    (shared, top_shared, slopes), (alone, top_alone, expected) = found
    np.testing.assert_allclose(shared.logprobs, alone.logprobs, atol=1e-5)
    np.testing.assert_array_equal(top_shared.ids, top_alone.ids)
    assert shared.loss == pytest.approx(alone.loss, rel=1e-5)
    for slope, other in zip(slopes, expected, strict=True):
        torch.testing.assert_close(slope, other, rtol=1e-3, atol=1e-6)


def test_little_to_share_is_left_as_it_is(tokenizer: FastTokenizer) -> None:
    apart = random_batch(tokenizer)
    assert shared_beginnings(apart) is None
    assert shared_beginnings(attempts(tokenizer, [(0, 2, 30), (0, 2, 30)])) is None
    assert shared_beginnings(with_columns(attempts(tokenizer, ATTEMPTS), weights=None)) is None


def test_dropout_falls_on_each_document_for_itself(
    tokenizer: FastTokenizer, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    widths = []

    def noted(*given: object, **named: object) -> object:
        laid = lay_out(*given, **named)  # type: ignore[arg-type]
        widths.append(laid.width)
        return laid

    monkeypatch.setattr("kitchen.runtime.adapters.torch.forward.lay_out", noted)
    session, batch = opened(dropout=0.1), attempts(tokenizer, ATTEMPTS)
    for mode in (True, False):
        with session.computing(training=mode):
            run(session, batch)
    assert widths[0] >= batch.tokens.size > widths[1]
