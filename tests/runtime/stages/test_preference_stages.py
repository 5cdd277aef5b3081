"""The stages of preference training, on a model whose numbers are exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kitchen.runtime.adapter import NoConfig
from kitchen.runtime.adapters.noop.sampling import NoopSampling
from kitchen.runtime.adapters.noop.training import NoopTraining
from kitchen.runtime.adapters.noop.unigram import ByteTokenizer
from kitchen.runtime.pair_batches import gather_pairs
from kitchen.runtime.pairs import PairBatch, Pairs, ReferenceScores
from kitchen.runtime.ports import AdamParams, DataError, ModelOptions, Workspace
from kitchen.runtime.stages.pairs import (
    PreferenceBatchesConfig,
    TokenizePairsConfig,
    chosen_tokens,
    preference_batches,
    tokenize_pairs,
)
from kitchen.runtime.stages.preference import (
    PreferenceForwardBackwardConfig,
    preference_forward_backward,
)
from kitchen.runtime.stages.preference_evaluation import (
    CompareAnswersConfig,
    EvaluatePreferencesConfig,
    compare_answers,
    evaluate_preferences,
)
from kitchen.runtime.stages.scoring import (
    ScoreConfig,
    ScoreReferenceConfig,
    score,
    score_reference,
)
from kitchen.runtime.values import Dataset, Session
from tests.runtime.data_files import store, told, write

ROWS = [
    {"prompt": f"{n}?", "chosen": "yes" * (1 + n % 3), "rejected": "no" * (1 + n % 4)}
    for n in range(10)
]


class World:
    """A session, pairs, and the ports they came from."""

    def __init__(self, folder: Path) -> None:
        self.training = NoopTraining(NoConfig(), Workspace(folder, folder / "cache"))
        self.sampling = NoopSampling(NoConfig(), Workspace(folder, folder / "cache"))
        self.datasets = store(folder)
        self.tokenizer = ByteTokenizer()
        self.dataset: Dataset = self.datasets.open(str(write(folder / "pairs.jsonl", ROWS)))
        self.pairs: Pairs = tokenize_pairs(
            self.dataset, self.tokenizer, config=TokenizePairsConfig(), datasets=self.datasets
        )
        self.session = self.open()

    def open(self, seed: int = 0) -> Session:
        return self.training.open_session(ModelOptions(model="any", seed=seed), self.tokenizer)

    def reference(self, session: Session | None = None) -> ReferenceScores:
        scores: ReferenceScores = score_reference(
            session or self.session,
            self.pairs,
            config=ScoreReferenceConfig(batch_size=3),
            training=self.training,
            datasets=self.datasets,
        )
        return scores

    def forwards(self) -> int:
        return sum(call.method == "forward" for call in self.training.calls)

    def batch(self) -> PairBatch:
        return gather_pairs(self.pairs, np.array([3, 1, 8, 0, 4]), 0)

    def step(self, scores: ReferenceScores | None, **settings: Any) -> tuple[Any, float]:
        """The losses of a step on a fresh session, and the norm of its gradient."""
        session = self.open()
        losses = preference_forward_backward(
            session,
            self.batch(),
            scores,
            config=PreferenceForwardBackwardConfig(**settings),
            training=self.training,
        ).result()
        update = self.training.optim_step(session, AdamParams()).result()
        return losses, update.grad_norm


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_scores_are_what_the_model_says(world: World) -> None:
    tokens = chosen_tokens(world.pairs)
    scores = score(world.session, tokens, config=ScoreConfig(batch_size=3), training=world.training)
    known = world.session.logprobs()  # type: ignore[attr-defined]
    wanted = np.where(tokens.weights > 0, known[tokens.tokens], 0)
    np.testing.assert_allclose(scores.tokens, wanted, rtol=1e-6)
    sums = [wanted[a:b].sum() for a, b in zip(tokens.offsets, tokens.offsets[1:], strict=False)]
    np.testing.assert_allclose(scores.sequences, sums, rtol=1e-6)
    assert (scores.digest, scores.weights) == (
        tokens.digest,
        world.training.weights_digest(world.session),
    )


def test_a_reference_is_scored_once(world: World) -> None:
    first = world.reference()
    asked = world.forwards()
    assert asked == 4
    again = world.reference()
    assert world.forwards() == asked, "kept under the weights and the pairs"
    np.testing.assert_array_equal(first.logprobs, again.logprobs)
    other = world.reference(world.open(seed=1))
    assert world.forwards() == 2 * asked
    assert other.weights != first.weights
    assert not np.allclose(other.logprobs, first.logprobs)


def test_the_reference_of_an_untrained_model_is_the_model(world: World) -> None:
    found = evaluate_preferences(
        world.session,
        world.pairs,
        world.reference(),
        config=EvaluatePreferencesConfig(batch_size=4),
        training=world.training,
    )
    assert found.loss == pytest.approx(np.log(2))
    assert found.margin == found.accuracy == 0
    assert found.pairs == len(ROWS)


@pytest.mark.parametrize("loss", ["sigmoid", "ipo", "hinge", "orpo", "simpo"])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_micro_batches_add_up(world: World, loss: str, size: int) -> None:
    scores = world.reference(world.open(seed=1))
    whole, norm = world.step(scores, loss=loss)
    parts, same = world.step(scores, loss=loss, micro_batch_size=size)
    assert parts.loss == pytest.approx(whole.loss)
    assert parts.metrics == pytest.approx(whole.metrics)
    assert same == pytest.approx(norm)
    assert parts.tokens == whole.tokens


@pytest.mark.parametrize("loss", ["sigmoid", "ipo", "hinge", "orpo", "simpo"])
def test_a_gradient_is_the_slope_of_the_loss(world: World, loss: str) -> None:
    """Central differences along random directions of the weights."""
    scores = world.reference(world.open(seed=1))
    config = PreferenceForwardBackwardConfig(loss=loss, beta=0.3, nll_weight=0.2)  # type: ignore[arg-type]
    session: Any = world.open()

    def value() -> float:
        losses = preference_forward_backward(
            session, world.batch(), scores, config=config, training=world.training
        ).result()
        return float(losses.loss)

    value()
    gradient, start = session.gradient.copy(), session.logits.copy()
    draw = np.random.default_rng(0)
    for _ in range(3):
        direction = draw.normal(size=start.shape)
        ends = []
        for sign in (1, -1):
            session.logits = start + sign * 1e-2 * direction
            ends.append(value())
        slope = (ends[0] - ends[1]) / 2e-2
        assert slope == pytest.approx(float(gradient @ direction), rel=2e-3, abs=1e-4)


def test_a_loss_that_compares_needs_a_reference(world: World, golden: Any) -> None:
    with pytest.raises(DataError) as raised:
        world.step(None, loss="ipo")
    assert told(raised.value) == golden
    losses, _ = world.step(None, loss="simpo")
    assert "dpo_loss" not in losses.metrics


def test_scores_of_other_pairs_are_refused(world: World, golden: Any) -> None:
    known = world.reference()
    other = ReferenceScores("other", known.weights, known.logprobs)
    with pytest.raises(DataError) as raised:
        world.step(other)
    assert told(raised.value) == golden


def test_batches_come_from_a_stream(world: World) -> None:
    stream = preference_batches(world.pairs, config=PreferenceBatchesConfig(batch_size=4))
    assert [batch.pairs for batch in stream.iterate()] == [4, 4, 2]


def test_answers_are_compared_word_for_word(world: World) -> None:
    """By a model that says nothing but `y`."""
    session: Any = world.session
    session.logits = np.full_like(session.logits, -9.0)
    session.logits[ord("y")] = 9.0
    rows = [
        {"prompt": "a", "chosen": "yy", "rejected": "n"},
        {"prompt": "b", "chosen": "n", "rejected": "yy"},
        {"prompt": "c", "chosen": "yyy", "rejected": "n"},
        {"prompt": "d", "chosen": " yy", "rejected": "n"},
    ]
    folder = Path(world.dataset.uri).parent
    found = compare_answers(
        session,
        world.tokenizer,
        world.datasets.open(str(write(folder / "few.jsonl", rows))),
        config=CompareAnswersConfig(max_tokens=2, batch_size=3),
        sampling=world.sampling,
        datasets=world.datasets,
    )
    assert (found.chosen, found.rejected, found.prompts) == (0.5, 0.25, 4)
