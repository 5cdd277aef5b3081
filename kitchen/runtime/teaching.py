"""What teachers say of text: answers to be learnt, and advantages of what a student sampled."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from kitchen.ir.frozen import frozen
from kitchen.runtime.answers import Prompts
from kitchen.runtime.order import permutation, random_words
from kitchen.runtime.ports import AdapterError, Sample, SamplingClient, SamplingParams
from kitchen.runtime.teachers import Distance, Teachers
from kitchen.runtime.trajectories import PolicyBatch
from kitchen.runtime.values import Batch, Tokenizer, Tokens

# ------------------------------------------------------------------------------ off-policy


def taught(
    teachers: Teachers,
    prompts: Prompts,
    tokenizer: Tokenizer,
    params: SamplingParams,
    count: int,
    sampling: SamplingClient,
) -> Tokens:
    """The answers of all teachers to all prompts, as sequences to be trained on."""
    lessons: list[Lesson] = []
    for session, share in zip(teachers.sessions, teachers.shares, strict=True):
        sampler = sampling.open_sampler(session, tokenizer)
        asked = [prompts.ids(index) for index in range(prompts.rows)]
        answers = sampling.sample(sampler, asked, params, count=count).result()
        weight = share * len(teachers.shares)  # 1 where all teachers have the same say
        for index, samples in enumerate(answers):
            for sample in samples:
                text = tokenizer.decode(sample.tokens.tolist())
                _require_answer(text, prompts.texts[index])
                lessons.append(Lesson(asked[index], sample, weight, len(text.encode())))
    ids = [part for one in lessons for part in (one.prompt, one.sample.tokens)]
    weights = [part for one in lessons for part in (np.zeros(len(one.prompt)), one.weights)]
    lengths = np.array([len(one.prompt) + len(one.sample.tokens) for one in lessons])
    tokens, loss_weights = np.concatenate(ids), np.concatenate(weights).astype(np.float32)
    return Tokens(
        digest=hashlib.sha256(
            b"".join(x.tobytes() for x in (tokens, loss_weights, lengths))
        ).hexdigest(),
        tokens=tokens,
        weights=loss_weights,
        offsets=np.append(0, np.cumsum(lengths)),
        sequences=len(lessons),
        trained=sum(len(one.sample.tokens) for one in lessons),
        truncated=sum(one.sample.stop_reason != "stop" for one in lessons),
        bytes=sum(one.bytes for one in lessons),
    )


@frozen(eq=False)
class Lesson:
    """A prompt and a teacher's answer, with the weight of its tokens and its size in UTF-8."""

    prompt: np.ndarray
    sample: Sample
    weight: float
    bytes: int

    @property
    def weights(self) -> np.ndarray:
        return np.full(len(self.sample.tokens), self.weight)


def _require_answer(text: str, prompt: str) -> None:
    if not text.strip():
        shown = prompt if len(prompt) <= 60 else prompt[:57] + "..."
        raise AdapterError(
            f"a teacher answered nothing to `{shown}`",
            help="ask another teacher, or other prompts: an empty answer is nothing to learn from",
        )


# ------------------------------------------------------------------------------- on-policy


def chosen_prompts(rows: int, count: int, seed: int, iteration: int) -> list[int]:
    """The prompts of an iteration: they go round, shuffled anew each time."""
    chosen: list[int] = []
    for place in range(iteration * count, (iteration + 1) * count):
        turn, at = divmod(place, rows)
        chosen.append(int(permutation(rows, seed, turn)[at]))
    return chosen


def seed_of(seed: int, iteration: int) -> int:
    """The sampling seed of an iteration."""
    return int(random_words(np.array([iteration]), seed)[0] >> np.uint64(1))


def sampled_batch(
    prompts: Sequence[np.ndarray], answers: Sequence[Sequence[Sample]], index: int
) -> Batch:
    """Sampled answers as one batch for a policy's loss: every sampled token weighs the same."""
    pairs = [
        (prompt, sample)
        for prompt, samples in zip(prompts, answers, strict=True)
        for sample in samples
    ]
    ends = np.cumsum([len(prompt) + len(sample.tokens) for prompt, sample in pairs])
    tokens = np.concatenate([ids for prompt, sample in pairs for ids in (prompt, sample.tokens)])
    logprobs = np.concatenate(
        [part for prompt, sample in pairs for part in (np.full(len(prompt), np.nan), sample.drawn)]
    )
    targets = np.delete(np.arange(len(tokens)), np.append(0, ends[:-1]))  # the first follows none
    sampled = ~np.isnan(logprobs[targets])
    count = int(sampled.sum())
    return Batch(
        index=index,
        tokens=tokens[targets - 1],
        offsets=np.append(0, ends - np.arange(1, len(ends) + 1)),
        columns={
            "targets": tokens[targets],
            "weights": (sampled / count).astype(np.float32),
            "logprobs": np.where(sampled, logprobs[targets], 0).astype(np.float32),
        },
        sequences=len(pairs),
        trained=count,
    )


def advised(
    batch: Batch,
    logprobs: Sequence[np.ndarray],
    shares: Sequence[float],
    coefficient: float,
    discount: float,
) -> tuple[PolicyBatch, Distance]:
    """The batch with advantages -c (log q - log p), and the mean divergence behind them."""
    carries = batch.columns["weights"] > 0
    drawn = batch.columns["logprobs"].astype(np.float64)
    from_each = np.where(carries, drawn - np.stack(logprobs).astype(np.float64), 0.0)
    if not np.isfinite(from_each).all():
        raise AdapterError(
            "a teacher gave a token that was sampled no probability that is a number",
            help="look at the teacher's weights, or ask another teacher",
        )
    apart = np.asarray(shares) @ from_each
    advantages = -coefficient * _discounted(apart, batch.offsets, discount)
    columns = {
        **batch.columns,
        "advantages": np.where(carries, advantages, 0.0).astype(np.float32),
    }
    count = int(carries.sum())
    return (
        PolicyBatch(
            index=batch.index,
            tokens=batch.tokens,
            offsets=batch.offsets,
            columns=columns,
            sequences=batch.sequences,
            trained=batch.trained,
        ),
        Distance(
            kl=math.fsum(apart) / count,
            tokens=count,
            by_teacher=tuple(math.fsum(one) / count for one in from_each),
        ),
    )


def _discounted(values: np.ndarray, offsets: np.ndarray, discount: float) -> np.ndarray:
    """For each token, its value and those after it in its sequence, each step discounted."""
    if discount == 0:
        return values
    summed = values.copy()
    for first, last in pairwise(offsets.tolist()):
        for at in range(last - 2, first - 1, -1):
            summed[at] += discount * summed[at + 1]
    return summed
