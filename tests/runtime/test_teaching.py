"""Teachers: one vocabulary, answers that are learnt as they were sampled, advantages."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest

from kitchen.runtime.answers import Prompts
from kitchen.runtime.ports import AdapterError, DataError, Sample, SamplingParams
from kitchen.runtime.stages.teachers import OpenTeachersConfig, open_teachers
from kitchen.runtime.teachers import Teachers
from kitchen.runtime.teaching import advised, chosen_prompts, sampled_batch, seed_of, taught
from kitchen.runtime.values import Session, Tokenizer
from kitchen.runtime.vocabulary import difference, shared_tokenizer

# ---------------------------------------------------------------------------------- vocabulary


class Words(Tokenizer):
    """Token i is a word of a list."""

    def __init__(self, *words: str, eos_id: int = 0) -> None:
        self.words, self.eos_id, self.vocab_size = words, eos_id, len(words)
        self.digest = repr((words, eos_id, id(self)))
        self.bos_id, self.pad_id, self.chat_template = None, eos_id, None

    def decode(self, ids: Sequence[int], *, special: bool = False) -> str:
        return " ".join(self.words[id] for id in ids)


class Tokenizers:
    """Models with a tokenizer of their own, and presets without one."""

    def __init__(self, **own: Tokenizer) -> None:
        self.own, self.trained = own, 0

    def load_tokenizer(self, model: str, texts: Callable[[], Iterable[str]]) -> Tokenizer:
        if model in self.own:
            return self.own[model]
        words = [word for text in texts() for word in text.split()]
        self.trained += 1
        return Words("<end>", *words)


def shared(training: Tokenizers, *models: str) -> Tokenizer:
    return shared_tokenizer(models, lambda: ["what the data says"], training)  # type: ignore[arg-type]


def test_a_preset_takes_the_tokenizer_of_its_teacher() -> None:
    teacher = Words("<end>", "a", "b")
    training = Tokenizers(teacher=teacher)
    assert shared(training, "teacher", "preset") is teacher
    assert shared(training, "preset", "teacher") is teacher
    assert training.trained == 0


def test_presets_alone_train_one_on_the_data() -> None:
    training = Tokenizers()
    assert shared(training, "preset", "other").vocab_size == 5
    assert training.trained == 1


def test_the_same_vocabulary_is_one_whatever_else_differs() -> None:
    one, other = Words("<end>", "a", "b"), Words("<end>", "a", "b")
    assert one.digest != other.digest
    assert shared(Tokenizers(one=one, other=other), "one", "other") is one


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (Words("<end>", "a"), "3 tokens and 2"),
        (Words("<end>", "b", "a"), "token 1 is 'a' to the first and 'b' to the second"),
        (Words("<end>", "a", "b", eos_id=2), "ends with token 0 and with token 2"),
    ],
)
def test_vocabularies_that_differ_are_named(other: Tokenizer, told: str) -> None:
    training = Tokenizers(one=Words("<end>", "a", "b"), other=other)
    with pytest.raises(DataError, match="`one` and `other` have different vocabularies") as raised:
        shared(training, "one", "preset", "other")
    assert told in str(raised.value)
    assert raised.value.help
    assert difference(other, other) is None


# ------------------------------------------------------------------------------------ opening


class Opener:
    """Opens sessions that know what they were opened as."""

    def open_session(self, options: Any, tokenizer: Tokenizer) -> Any:
        return options.model


@pytest.mark.parametrize(
    ("weights", "shares"), [((), (0.5, 0.5)), ((1.0, 3.0), (0.25, 0.75)), ((2.0, 2.0), (0.5, 0.5))]
)
def test_weights_become_shares(weights: tuple[float, ...], shares: tuple[float, ...]) -> None:
    config = OpenTeachersConfig(models=("a", "b"), weights=weights)
    teachers = open_teachers(Words("x"), config=config, training=Opener())  # type: ignore[arg-type]
    assert teachers.sessions == ("a", "b")
    assert teachers.shares == pytest.approx(shares)


@pytest.mark.parametrize(
    ("models", "weights", "message"),
    [
        ((), (), "there is no teacher"),
        (("a",), (1.0, 2.0), "1 teachers have 2 weights"),
        (("a", "b"), (1.0, 0.0), "are 1, 0"),
        (("a", "b"), (1.0, -1.0), "are 1, -1"),
        (("a", "b"), (1.0, math.inf), "are 1, inf"),
    ],
)
def test_weights_that_are_none_are_refused(
    models: tuple[str, ...], weights: tuple[float, ...], message: str
) -> None:
    config = OpenTeachersConfig(models=models, weights=weights)
    with pytest.raises(DataError, match=message) as raised:
        open_teachers(Words("x"), config=config, training=Opener())  # type: ignore[arg-type]
    assert raised.value.help


# ---------------------------------------------------------------------------- teachers' answers


def sample(*tokens: int, reason: str = "stop") -> Sample:
    logprobs = np.linspace(-2, -1, len(tokens), dtype=np.float32)
    return Sample(np.array(tokens, np.int32), logprobs, logprobs, reason)


class Speaker:
    """Samples what it is told, by session."""

    def __init__(self, **answers: list[list[Sample]] | Exception) -> None:
        self.answers = answers

    def open_sampler(self, session: Any, tokenizer: Tokenizer) -> Any:
        return session

    def sample(self, sampler: Any, prompts: Any, params: Any, *, count: int) -> Future[Any]:
        future: Future[Any] = Future()
        answer = self.answers[sampler]
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
        return future


PROMPTS = Prompts(
    "digest",
    np.array([1, 2, 3], np.int32),
    np.array([0, 2, 3]),
    ("one?", "two?"),
    (("",), ("",)),
    2,
)
WORDS = Words("<end>", "a", "b", "c", " ")


def teach(speaker: Speaker, *shares: float) -> Any:
    names: tuple[Session, ...] = tuple(speaker.answers)  # type: ignore[assignment]
    return taught(Teachers(names, shares), PROMPTS, WORDS, SamplingParams(), 1, speaker)  # type: ignore[arg-type]


def test_answers_are_learnt_as_they_were_sampled() -> None:
    speaker = Speaker(
        first=[[sample(3, 0)], [sample(2, reason="length")]],
        second=[[sample(1, 1, 0)], [sample(3, 0)]],
    )
    tokens = teach(speaker, 0.25, 0.75)
    assert tokens.tokens.tolist() == [1, 2, 3, 0, 3, 2, 1, 2, 1, 1, 0, 3, 3, 0]
    assert tokens.offsets.tolist() == [0, 4, 6, 11, 14]
    low, high = 0.5, 1.5
    assert tokens.weights.tolist() == [
        0,
        0,
        low,
        low,
        0,
        low,
        0,
        0,
        high,
        high,
        high,
        0,
        high,
        high,
    ]
    assert (tokens.sequences, tokens.trained, tokens.truncated) == (4, 8, 1)
    assert tokens.digest != teach(speaker, 0.5, 0.5).digest


def test_an_empty_answer_is_never_trained_on() -> None:
    speaker = Speaker(first=[[sample(3, 0)], [sample(4)]])
    with pytest.raises(AdapterError, match="a teacher answered nothing to `two\\?`") as raised:
        teach(speaker, 1.0)
    assert raised.value.help


def test_a_teacher_that_fails_is_an_error() -> None:
    speaker = Speaker(first=[[sample(3)], [sample(3)]], second=AdapterError("out of reach"))
    with pytest.raises(AdapterError, match="out of reach"):
        teach(speaker, 0.5, 0.5)


# ------------------------------------------------------------------------------- on-policy


def test_prompts_go_round() -> None:
    seen = [index for step in range(5) for index in chosen_prompts(6, 4, 3, step)]
    for turn in range(3):
        assert sorted(seen[6 * turn : 6 * turn + 6]) == list(range(6))
    assert seen[:6] != seen[6:12]
    assert seen != [index for step in range(5) for index in chosen_prompts(6, 4, 4, step)]
    assert len({seed_of(0, step) for step in range(50)} | {seed_of(1, 0)}) == 51


def test_a_sampled_batch_holds_what_was_drawn() -> None:
    prompts = [np.array([5, 6], np.int32), np.array([7], np.int32)]
    batch = sampled_batch(prompts, [[sample(1, 2), sample(3)], [sample(4, 0)]], 9)
    columns = batch.columns
    assert batch.tokens.tolist() == [5, 6, 1, 5, 6, 7, 4]
    assert columns["targets"].tolist() == [6, 1, 2, 6, 3, 4, 0]
    assert batch.offsets.tolist() == [0, 3, 5, 7]
    carries = columns["weights"] > 0
    assert carries.tolist() == [False, True, True, False, True, True, True]
    assert columns["weights"].sum() == pytest.approx(1)
    assert columns["logprobs"].tolist() == [0, -2, -1, 0, -2, -2, -1]
    assert (batch.index, batch.sequences, batch.trained) == (9, 3, 5)
    assert all(column.dtype in (np.int32, np.float32) for column in columns.values())


def test_advantages_are_the_reverse_divergence() -> None:
    """-c (log q - log p), of float64 numpy, with p the teachers' weighted mean."""
    prompts = [np.array([5, 6], np.int32), np.array([7], np.int32)]
    batch = sampled_batch(prompts, [[sample(1, 2)], [sample(4, 0, 1)]], 0)
    generator = np.random.default_rng(0)
    told = [-generator.random(len(batch.tokens)).astype(np.float32) * 5 for _ in range(2)]
    shares = (0.25, 0.75)
    found, distance = advised(batch, told, shares, 2.0, 0.0)
    carries = batch.columns["weights"] > 0
    mean = 0.25 * told[0].astype(np.float64) + 0.75 * told[1].astype(np.float64)
    apart = batch.columns["logprobs"].astype(np.float64) - mean
    np.testing.assert_allclose(
        found.columns["advantages"], np.where(carries, -2 * apart, 0), rtol=1e-6
    )
    assert distance.kl == pytest.approx(apart[carries].mean())
    drawn = batch.columns["logprobs"].astype(np.float64)
    alone = [(drawn - one)[carries].mean() for one in told]
    assert distance.by_teacher == pytest.approx(alone)
    assert distance.kl == pytest.approx(np.dot(shares, alone))
    assert distance.tokens == carries.sum()

    ahead, _ = advised(batch, told, shares, 2.0, 0.9)
    expected = np.where(carries, apart, 0)
    for first, last in ((0, 3), (3, 6)):
        for at in range(first, last):
            powers = 0.9 ** np.arange(last - at)
            value = -2 * (powers * expected[at:last]).sum()
            wanted = value if carries[at] else 0
            assert ahead.columns["advantages"][at] == pytest.approx(wanted, rel=1e-5)


def test_a_teacher_without_a_number_is_an_error() -> None:
    batch = sampled_batch([np.array([5], np.int32)], [[sample(1, 2)]], 0)
    for bad in (np.nan, -np.inf):
        told = np.array([-1, bad], np.float32)
        with pytest.raises(AdapterError, match="no probability that is a number"):
            advised(batch, [told], (1.0,), 1.0, 0.0)
