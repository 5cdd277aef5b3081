"""Episodes played with a sampler: every live one a turn at a time, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from kitchen.runtime.order import random_words
from kitchen.runtime.ports import (
    DataError,
    Environment,
    Episode,
    Problem,
    Sample,
    SamplingClient,
    SamplingParams,
)
from kitchen.runtime.trajectories import Trajectories
from kitchen.runtime.turns import first_turn, next_turn
from kitchen.runtime.values import Sampler, Tokenizer


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutOptions:
    """Which problems, how many attempts at each, and how they are sampled.

    Nothing is cut from the distribution (no top-k, no top-p): a token that the trained model gives
    but the sampler never draws would make every importance ratio wrong.
    """

    problems: int
    group_size: int
    split: str
    iteration: int
    seed: int
    max_tokens: int
    max_turns: int
    temperature: float


@dataclass(slots=True, eq=False)
class Attempt:
    """One episode under way: its tokens so far, and what was told of them."""

    episode: Episode
    group: int
    ids: list[np.ndarray]
    sampled: list[bool]
    logprobs: list[np.ndarray]
    reward: float = 0.0
    turns: int = 0
    done: bool = False
    cut: bool = False
    metrics: dict[str, float] = field(default_factory=dict)

    def act(self, sample: Sample, tokenizer: Tokenizer) -> None:
        """Take an action as it was sampled, and what the environment says to it."""
        self._add(sample.tokens, True, sample.drawn)
        action = sample.tokens.tolist()
        step = self.episode.step(tokenizer.decode(action))
        if not math.isfinite(step.reward):
            raise DataError(
                f"the environment gave the reward {step.reward}", help="a reward is a finite number"
            )
        self.reward, self.turns = self.reward + step.reward, self.turns + 1
        self.metrics = dict(step.metrics)
        self.cut, self.done = sample.stop_reason == "length", step.done
        if not step.done:
            said = next_turn(tokenizer, self.episode.prompt, action, step.observation)
            self._add(said, False, np.zeros(len(said), np.float32))

    def _add(self, ids: np.ndarray, sampled: bool, logprobs: np.ndarray) -> None:
        self.ids.append(ids)
        self.sampled.append(sampled)
        self.logprobs.append(logprobs)


def play(
    sampler: Sampler,
    tokenizer: Tokenizer,
    options: RolloutOptions,
    sampling: SamplingClient,
    environment: Environment,
) -> Trajectories:
    """Attempts at the problems of an iteration, each to its end."""
    attempts = _begun(tokenizer, options, environment)
    live, turn = attempts, 0
    while live and turn < options.max_turns:
        count = options.group_size if turn == 0 else 1
        prompts = [np.concatenate(attempt.ids) for attempt in live[::count]]
        params = SamplingParams(
            max_tokens=options.max_tokens,
            temperature=options.temperature,
            seed=_seed(options, turn),
        )
        rows = sampling.sample(sampler, prompts, params, count=count).result()
        samples = [sample for row in rows for sample in row]
        for attempt, sample in zip(live, samples, strict=True):
            attempt.act(sample, tokenizer)
        live, turn = [attempt for attempt in live if not attempt.done], turn + 1
    return _gathered(attempts, options)


def _begun(
    tokenizer: Tokenizer, options: RolloutOptions, environment: Environment
) -> list[Attempt]:
    attempts = []
    for group in range(options.problems):
        index = options.iteration * options.problems + group
        problem = Problem(options.seed, options.split, index)
        episodes = [environment.begin(problem) for _ in range(options.group_size)]
        prompt = first_turn(tokenizer, episodes[0].prompt)
        blank = np.zeros(len(prompt), np.float32)
        attempts += [Attempt(episode, group, [prompt], [False], [blank]) for episode in episodes]
    return attempts


def _seed(options: RolloutOptions, turn: int) -> int:
    """A seed of its own for every turn of every iteration."""
    return int(random_words(np.array([turn]), options.seed, options.iteration)[0])


def _gathered(attempts: Sequence[Attempt], options: RolloutOptions) -> Trajectories:
    parts = [part for attempt in attempts for part in attempt.ids]
    drawn = [on for attempt in attempts for on in attempt.sampled]
    lengths = [sum(map(len, attempt.ids)) for attempt in attempts]
    names = sorted({name for attempt in attempts for name in attempt.metrics})
    return Trajectories(
        tokens=np.concatenate(parts).astype(np.int32),
        sampled=np.repeat(drawn, [len(part) for part in parts]),
        logprobs=np.concatenate([part for attempt in attempts for part in attempt.logprobs]),
        offsets=np.append(0, np.cumsum(lengths)),
        groups=np.array([attempt.group for attempt in attempts]),
        rewards=np.array([attempt.reward for attempt in attempts]),
        turns=np.array([attempt.turns for attempt in attempts]),
        cut=np.array([attempt.cut for attempt in attempts]),
        metrics={
            name: np.array([attempt.metrics.get(name, math.nan) for attempt in attempts])
            for name in names
        },
        episodes=len(attempts),
        temperature=options.temperature,
    )
