"""What every adapter of the `sampling` port does, ours or another's.

Each installed adapter (entry-point group `kitchen.adapters.sampling`) is held to all of it, on a
session of the training adapter of the same name. KITCHEN_CONTRACT_MODEL names the model.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from importlib.metadata import entry_points

import numpy as np
import pytest

from kitchen.runtime.adapter import Adapter
from kitchen.runtime.ports import (
    AdamParams,
    AdapterError,
    LossOptions,
    ModelOptions,
    Sample,
    SamplingClient,
    SamplingParams,
    TrainingClient,
    Workspace,
)
from kitchen.runtime.values import Sampler, Session, Tokenizer
from tests.contracts.training_batches import random_batch, texts

MODEL = os.environ.get("KITCHEN_CONTRACT_MODEL", "nano")
PARAMS = SamplingParams(max_tokens=12, seed=5)


@dataclass(frozen=True)
class Kitchen:
    """The two ports, and a session with a sampler on it."""

    training: TrainingClient
    sampling: SamplingClient
    tokenizer: Tokenizer
    session: Session
    sampler: Sampler

    def sample(self, params: SamplingParams, *prompts: np.ndarray, count: int = 1) -> list[Sample]:
        rows = self.sampling.sample(self.sampler, prompts, params, count=count).result()
        assert [len(row) for row in rows] == [count] * len(prompts)
        return [sample for row in rows for sample in row]

    def step(self, session: Session, seed: int) -> float:
        batch = random_batch(self.tokenizer, seed=seed)
        output = self.training.forward_backward(session, batch, LossOptions())
        self.training.optim_step(session, AdamParams(learning_rate=0.05)).result()
        return output.result().loss


@pytest.fixture(
    scope="module",
    params=entry_points(group="kitchen.adapters.sampling"),
    ids=lambda found: found.name,
)
def kitchen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kitchen:
    declared: Adapter = request.param.load()
    assert declared.port == "sampling"
    assert declared.capabilities == {"sample", "compute_logprobs"}
    (trainer,) = entry_points(group="kitchen.adapters.training", name=declared.name)
    folder = tmp_path_factory.mktemp("sampling")
    workspace = Workspace(folder, folder / "cache")
    training = trainer.load().bind({}, workspace)
    sampling = declared.bind({}, workspace)
    tokenizer = training.load_tokenizer(MODEL, texts)
    session = training.open_session(ModelOptions(model=MODEL), tokenizer)
    made = Kitchen(
        training, sampling, tokenizer, session, sampling.open_sampler(session, tokenizer)
    )
    for _ in range(4):
        made.step(session, 0)
    return made


@pytest.fixture
def prompts(kitchen: Kitchen) -> list[np.ndarray]:
    return kitchen.tokenizer.encode(["the cook", "carrots and", "sings all day and peels"])


def same(first: list[Sample], second: list[Sample]) -> bool:
    pairs = zip(first, second, strict=True)
    return all(np.array_equal(one.tokens, other.tokens) for one, other in pairs)


def test_a_sample_is_tokens_with_log_probabilities(
    kitchen: Kitchen, prompts: list[np.ndarray]
) -> None:
    for sample in kitchen.sample(PARAMS, *prompts, count=3):
        assert sample.tokens.dtype == np.int32
        assert sample.logprobs.dtype == np.float32
        assert len(sample.tokens) == len(sample.logprobs)
        assert 0 < len(sample.tokens) <= PARAMS.max_tokens
        assert (sample.logprobs <= 0).all()
        ends = sample.tokens[-1] == kitchen.tokenizer.eos_id
        assert sample.stop_reason == ("stop" if ends else "length")
        assert ends or len(sample.tokens) == PARAMS.max_tokens


@pytest.mark.parametrize(
    "params",
    [
        PARAMS,
        replace(PARAMS, temperature=0.6),
        replace(PARAMS, temperature=0),
        replace(PARAMS, temperature=1.5, top_k=5, top_p=0.9),
    ],
    ids=["plain", "cool", "greedy", "cut"],
)
def test_log_probabilities_are_the_models_own(
    kitchen: Kitchen, prompts: list[np.ndarray], params: SamplingParams
) -> None:
    samples = kitchen.sample(params, *prompts)
    whole = [
        np.concatenate([prompt, sample.tokens])
        for prompt, sample in zip(prompts, samples, strict=True)
    ]
    scored = kitchen.sampling.compute_logprobs(kitchen.sampler, whole).result()
    for prompt, sample, score in zip(prompts, samples, scored, strict=True):
        np.testing.assert_allclose(sample.logprobs, score[len(prompt) :], atol=1e-4)


def test_scores_are_those_of_training(kitchen: Kitchen) -> None:
    batch = random_batch(kitchen.tokenizer, (9,), trained=1.0)
    sequence = np.append(batch.tokens, batch.columns["targets"][-1])
    batch.columns["targets"][:-1] = batch.tokens[1:]
    known = kitchen.training.forward(kitchen.session, batch, LossOptions()).result().logprobs
    scores = kitchen.sampling.compute_logprobs(kitchen.sampler, [sequence, sequence[:1]]).result()
    assert scores[0].shape == sequence.shape
    assert np.isnan(scores[0][0])
    assert np.isnan(scores[1]).all()
    np.testing.assert_allclose(scores[0][1:], known, atol=1e-4)


def test_a_seed_repeats_and_another_does_not(kitchen: Kitchen, prompts: list[np.ndarray]) -> None:
    first = kitchen.sample(PARAMS, *prompts, count=2)
    assert same(first, kitchen.sample(PARAMS, *prompts, count=2))
    assert not same(first, kitchen.sample(replace(PARAMS, seed=6), *prompts, count=2))
    assert not same(first[:1], first[1:2])


def test_a_sequence_does_not_depend_on_those_beside_it(
    kitchen: Kitchen, prompts: list[np.ndarray]
) -> None:
    together = kitchen.sample(PARAMS, *prompts)
    assert same(together[:1], kitchen.sample(PARAMS, prompts[0]))


def test_temperature_zero_is_greedy(kitchen: Kitchen, prompts: list[np.ndarray]) -> None:
    greedy = kitchen.sample(replace(PARAMS, temperature=0), *prompts)
    assert same(greedy, kitchen.sample(replace(PARAMS, temperature=0, seed=9), *prompts))
    assert same(greedy, kitchen.sample(replace(PARAMS, top_k=1), *prompts))
    assert same(greedy, kitchen.sample(replace(PARAMS, top_p=1e-6), *prompts))


def test_top_k_and_top_p_leave_the_likeliest(kitchen: Kitchen, prompts: list[np.ndarray]) -> None:
    """Of the first token, which all samples draw from one distribution."""
    one = replace(PARAMS, max_tokens=1)
    free = {sample.tokens[0] for sample in kitchen.sample(one, prompts[0], count=60)}
    few = kitchen.sample(replace(one, top_k=3), prompts[0], count=60)
    assert len({sample.tokens[0] for sample in few}) <= 3 < len(free)
    least = min(sample.logprobs[0] for sample in few)
    cut = kitchen.sample(replace(one, top_p=0.05), prompts[0], count=60)
    chances = {sample.tokens[0]: np.exp(sample.logprobs[0]) for sample in cut}
    assert sum(chances.values()) - min(chances.values()) < 0.05
    assert all(sample.logprobs[0] >= least for sample in few)


def test_a_low_temperature_prefers_the_likely(kitchen: Kitchen, prompts: list[np.ndarray]) -> None:
    def mean(temperature: float) -> float:
        params = replace(PARAMS, temperature=temperature)
        samples = kitchen.sample(params, *prompts, count=10)
        return float(np.mean(np.concatenate([sample.logprobs for sample in samples])))

    assert mean(0.3) > mean(1.0) > mean(3.0)


def test_a_stop_text_ends_a_sequence(kitchen: Kitchen, prompts: list[np.ndarray]) -> None:
    (free,) = kitchen.sample(PARAMS, prompts[0])
    text = kitchen.tokenizer.decode(free.tokens[:4].tolist())
    (stopped,) = kitchen.sample(replace(PARAMS, stop=(text[-1:],)), prompts[0])
    assert stopped.stop_reason == "stop"
    assert len(stopped.tokens) <= 4
    assert np.array_equal(stopped.tokens, free.tokens[: len(stopped.tokens)])


def test_sampling_does_not_move_training(kitchen: Kitchen, prompts: list[np.ndarray]) -> None:
    options = ModelOptions(model=MODEL, dropout=0.1)
    plain, sampled = (kitchen.training.open_session(options, kitchen.tokenizer) for _ in range(2))
    sampler = kitchen.sampling.open_sampler(sampled, kitchen.tokenizer)
    losses = [[kitchen.step(plain, seed) for seed in range(3)], []]
    for seed in range(3):
        losses[1].append(kitchen.step(sampled, seed))
        kitchen.sampling.sample(sampler, prompts, PARAMS, count=2).result()
    assert losses[0] == losses[1]


def test_a_sampler_follows_the_weights(kitchen: Kitchen, prompts: list[np.ndarray]) -> None:
    session = kitchen.training.open_session(ModelOptions(model=MODEL), kitchen.tokenizer)
    sampler = kitchen.sampling.open_sampler(session, kitchen.tokenizer)
    before = kitchen.sampling.compute_logprobs(sampler, prompts).result()[0][1:]
    kitchen.step(session, 0)
    after = kitchen.sampling.compute_logprobs(sampler, prompts).result()[0][1:]
    assert not np.array_equal(before, after)


def test_another_adapters_session_is_refused(kitchen: Kitchen) -> None:
    with pytest.raises(AdapterError) as raised:
        kitchen.sampling.open_sampler(Session(), kitchen.tokenizer)
    assert raised.value.help


def test_drawn_are_those_of_the_distribution_drawn_from(
    kitchen: Kitchen, prompts: list[np.ndarray]
) -> None:
    """By ratios: of two first tokens, chances at temperature T are to the power 1 / T."""
    for sample in kitchen.sample(PARAMS, *prompts):
        np.testing.assert_allclose(sample.drawn, sample.logprobs, atol=1e-6)
    for sample in kitchen.sample(replace(PARAMS, temperature=0), *prompts):
        assert not sample.drawn.any()
    first, *others = kitchen.sample(
        replace(PARAMS, max_tokens=1, temperature=2.0, top_k=20, top_p=0.9), prompts[0], count=40
    )
    chances = {first.tokens[0]: np.exp(first.drawn[0])}
    for sample in others:
        chances[sample.tokens[0]] = np.exp(sample.drawn[0])
        power = (sample.logprobs[0] - first.logprobs[0]) / 2.0
        np.testing.assert_allclose(sample.drawn[0] - first.drawn[0], power, atol=1e-4)
    assert len(chances) > 3
    assert 0.3 < sum(chances.values()) <= 1 + 1e-5
