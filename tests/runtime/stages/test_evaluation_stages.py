"""Evaluation: means over every trained token, once; and what is remembered of it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from kitchen.runtime.adapters.noop import SAMPLING, TRAINING
from kitchen.runtime.adapters.noop.training import NoopTraining
from kitchen.runtime.adapters.noop.unigram import ByteTokenizer
from kitchen.runtime.ports import DataError, ModelOptions, Workspace
from kitchen.runtime.stages.evaluation import (
    Best,
    EvaluateConfig,
    LogEvaluationConfig,
    TrackBestConfig,
    evaluate,
    evaluation_batches,
    log_evaluation,
    track_best,
)
from kitchen.runtime.stages.sampling import (
    GenerateConfig,
    LogCompletionsConfig,
    generate,
    log_completions,
)
from kitchen.runtime.values import Evaluation, Tokens
from tests.runtime.stages.test_training_stages import Metrics


def tokens_of(lengths: list[int], *, trained: float = 0.5) -> Tokens:
    generator = np.random.default_rng(4)
    total = sum(lengths)
    weights = (generator.random(total) < trained).astype(np.float32)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    weights[offsets[:-1]] = 0
    return Tokens(
        digest="x",
        tokens=generator.integers(0, 200, total).astype(np.int32),
        weights=weights,
        offsets=offsets,
        sequences=len(lengths),
        trained=int(weights.sum()),
        truncated=0,
        dropped=0,
        bytes=100,
    )


@pytest.fixture
def training(tmp_path: Path) -> NoopTraining:
    client: NoopTraining = TRAINING.bind({}, Workspace(tmp_path, tmp_path))
    return client


LENGTHS = [12, 3, 30, 7, 1, 9, 30]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_means_are_over_every_trained_token_once(training: NoopTraining, size: int) -> None:
    tokens = tokens_of(LENGTHS)
    session = training.open_session(ModelOptions(model="any"), ByteTokenizer())
    found = evaluate(session, tokens, config=EvaluateConfig(batch_size=size), training=training)
    known = session.logprobs()  # type: ignore[attr-defined]
    chosen = tokens.tokens[tokens.weights > 0]
    loss = float(-known[chosen].mean())
    assert found.loss == pytest.approx(loss)
    assert found.accuracy == pytest.approx(float((chosen == known.argmax()).mean()))
    assert found.perplexity == pytest.approx(math.exp(loss))
    assert found.bits_per_byte == pytest.approx(loss * len(chosen) / math.log(2) / 100)
    assert found.tokens == len(chosen)


def test_batches_hold_each_sequence_once_shifted() -> None:
    tokens = tokens_of(LENGTHS)
    batches = list(evaluation_batches(tokens, 2))
    rows = {
        (*batch.tokens[low:high].tolist(), int(batch.columns["targets"][high - 1]))
        for batch in batches
        for low, high in zip(batch.offsets[:-1], batch.offsets[1:], strict=True)
    }
    bounds = zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True)
    expected = {tuple(tokens.tokens[a:b].tolist()) for a, b in bounds if b - a > 1}
    assert rows == expected
    places = sum(int(np.diff(batch.offsets).max()) * batch.sequences for batch in batches)
    assert places <= 1.1 * sum(batch.tokens.size for batch in batches)  # like lengths together


def test_nothing_to_evaluate_is_told(training: NoopTraining) -> None:
    session = training.open_session(ModelOptions(model="any"), ByteTokenizer())
    with pytest.raises(DataError, match="no trained token") as raised:
        evaluate(session, tokens_of([4], trained=0), config=EvaluateConfig(), training=training)
    assert raised.value.help


def test_figures_are_logged_under_their_prefix() -> None:
    metrics = Metrics()
    figures = Evaluation(1.0, 0.5, 2.7, 0.9, tokens=10)
    log_evaluation(figures, config=LogEvaluationConfig(step=3), metrics=metrics)
    assert metrics.logged == [
        (
            3,
            {
                "eval/loss": 1.0,
                "eval/accuracy": 0.5,
                "eval/perplexity": 2.7,
                "eval/bits_per_byte": 0.9,
            },
        )
    ]


def test_the_best_is_remembered_and_patience_ends() -> None:
    best: Best | None = None
    seen = []
    for step, loss in enumerate([3.0, 2.0, 2.5, 2.0, 1.0]):
        figures = Evaluation(loss, 0, 0, 0, 1)
        best = track_best(figures, best, config=TrackBestConfig(step=step, patience=2))
        seen.append((best.loss, best.step, best.since, best.improved, best.stop))
    assert seen == [
        (3.0, 0, 0, True, False),
        (2.0, 1, 0, True, False),
        (2.0, 1, 1, False, False),
        (2.0, 1, 2, False, True),
        (1.0, 4, 0, True, False),
    ]


def test_without_patience_nothing_stops() -> None:
    best = Best(1.0, 0, 0, since=99, improved=False, stop=False)
    worse = Evaluation(2.0, 0, 0, 0, 1)
    assert not track_best(worse, best, config=TrackBestConfig(step=100)).stop


@pytest.mark.parametrize(("loss", "target", "stop"), [
    (0.5, 0.5, True), (0.4, 0.5, True), (0.6, 0.5, False), (math.nan, 0.5, False), (0.0, 0.0, False)
])  # fmt: skip
def test_at_the_target_it_stops(loss: float, target: float, stop: bool) -> None:
    """Whether that is the best so far or not; without a target nothing is low enough."""
    found = Evaluation(loss, 0, 0, 0, 1)
    config = TrackBestConfig(step=3, target=target)
    before = track_best(Evaluation(0.1, 0, 0, 0, 1), None, config=TrackBestConfig(step=1))
    assert track_best(found, None, config=config).stop is stop
    assert track_best(found, before, config=config).stop is stop


def test_before_the_first_evaluation_anything_is_better() -> None:
    none = track_best(None, None, config=TrackBestConfig(step=0, patience=1))
    assert (none.loss, none.stop) == (math.inf, False)
    assert track_best(Evaluation(9.0, 0, 0, 0, 1), none, config=TrackBestConfig(step=1)).improved


def test_a_loss_that_is_no_number_is_never_the_best() -> None:
    best = Best(1.0, 0, 0, since=0, improved=True, stop=False)
    nan = Evaluation(math.nan, 0, 0, 0, 1)
    assert track_best(nan, best, config=TrackBestConfig(step=1)).loss == 1.0


# ------------------------------------------------------------------------------------- sampling


def test_prompts_are_answered_and_kept(training: NoopTraining, tmp_path: Path) -> None:
    import json

    workspace = Workspace(tmp_path, tmp_path / "cache", tmp_path / "run")
    sampling = SAMPLING.bind({}, workspace)
    tokenizer = ByteTokenizer()
    session = training.open_session(ModelOptions(model="any"), tokenizer)
    config = GenerateConfig(prompts=("hi", "ünï"), max_tokens=5, seed=1)
    completions = generate(session, tokenizer, config=config, sampling=sampling)
    assert [row["prompt"] for row in completions.rows] == ["hi", "ünï"]
    again = generate(session, tokenizer, config=config, sampling=sampling)
    assert again.rows == completions.rows
    log_completions(
        completions, config=LogCompletionsConfig(label="after", step=7), workspace=workspace
    )
    kept = json.loads((tmp_path / "run" / "samples" / "after.json").read_text())
    assert kept == {"step": 7, "rows": [dict(row) for row in completions.rows]}
