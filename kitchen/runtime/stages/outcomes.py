"""Stages that measure episodes, show them, and make data of the problems themselves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kitchen.ir.spec import Effect
from kitchen.runtime.config import Config, setting
from kitchen.runtime.ports import (
    DataError,
    DatasetStore,
    Environment,
    MetricsStore,
    Problem,
    TrainingClient,
)
from kitchen.runtime.stage import stage
from kitchen.runtime.stages.reinforcement import Split
from kitchen.runtime.trajectories import Advantages, Outcome, Trajectories
from kitchen.runtime.values import Completions, Dataset, Losses, Tokenizer, Update

if TYPE_CHECKING:
    import numpy as np


@stage(effect=Effect.PURE)
def measure_outcome(trajectories: Trajectories) -> Outcome:
    """Accuracy, reward, form and length, each the mean over episodes."""
    return Outcome(
        accuracy=_mean(trajectories, "correct"),
        reward=float(trajectories.rewards.mean()),
        format=_mean(trajectories, "format"),
        length=float(trajectories.sampled.sum() / trajectories.episodes),
        turns=float(trajectories.turns.mean()),
        cut=float(trajectories.cut.mean()),
        episodes=trajectories.episodes,
    )


def _mean(trajectories: Trajectories, name: str) -> float:
    """The mean of a metric over the episodes that have it; NaN where none has."""
    column: np.ndarray | None = trajectories.metrics.get(name)
    if column is None:
        return math.nan
    known = column[column == column]
    return float(known.mean()) if len(known) else math.nan


class LogOutcomeConfig(Config):
    step: int = setting(minimum=0)
    prefix: str = "eval"


@stage(effect=Effect.WRITES)
def log_outcome(outcome: Outcome, *, config: LogOutcomeConfig, metrics: MetricsStore) -> None:
    """Keep the figures of an outcome under a step; those that were not measured are left out."""
    names = ("accuracy", "reward", "format", "length", "turns")
    known = {name: getattr(outcome, name) for name in names}
    metrics.log(
        config.step,
        {f"{config.prefix}/{name}": value for name, value in known.items() if value == value},
    )


class LogRolloutsConfig(Config):
    step: int = setting(minimum=0, doc="optimizer steps taken before the rollouts")


@stage(effect=Effect.WRITES)
def log_rollouts(
    trajectories: Trajectories,
    advantages: Advantages,
    *,
    config: LogRolloutsConfig,
    metrics: MetricsStore,
) -> None:
    """Keep rewards, lengths, and how many groups teach something, as cookbook and TRL name them."""
    import numpy as np

    outcome, groups = measure_outcome(trajectories), advantages.groups
    same = advantages.all_good + advantages.all_bad + advantages.single
    drawn = trajectories.logprobs[trajectories.sampled]
    entropy = -float(drawn.mean(dtype="float64"))
    lengths = np.add.reduceat(trajectories.sampled, trajectories.offsets[:-1], dtype=np.int64)
    whole = lengths[~trajectories.cut]
    figures = {
        "env/all/reward/total": outcome.reward,
        "env/all/correct": outcome.accuracy,
        "env/all/format": outcome.format,
        "env/all/ac_tokens_per_turn": outcome.length / outcome.turns,
        "env/all/turns_per_episode": outcome.turns,
        "env/all/by_group/frac_mixed": (groups - same) / groups,
        "env/all/by_group/frac_all_good": advantages.all_good / groups,
        "env/all/by_group/frac_all_bad": advantages.all_bad / groups,
        "reward": outcome.reward,
        "reward_std": float(trajectories.rewards.std(ddof=min(1, trajectories.episodes - 1))),
        "frac_reward_zero_std": same / groups,
        "completions/mean_length": outcome.length,
        "completions/min_length": float(lengths.min()),
        "completions/max_length": float(lengths.max()),
        "completions/mean_terminated_length": float(whole.mean()) if len(whole) else math.nan,
        "completions/clipped_ratio": outcome.cut,
        "entropy": entropy,
        "kl": advantages.kl,
        "kl_policy_base": advantages.kl,
    }
    metrics.log(config.step, {name: value for name, value in figures.items() if value == value})


class LogPolicyUpdateConfig(Config):
    step: int = setting(minimum=0, doc="optimizer steps taken, this one among them")


@stage(effect=Effect.WRITES)
def log_policy_update(
    losses: Losses, update: Update, *, config: LogPolicyUpdateConfig, metrics: MetricsStore
) -> None:
    """Keep what a step did to a policy.

    Its loss is left out: where every ratio is 1, it is 0 whatever there is to learn.
    """
    from kitchen.runtime.policy_metrics import policy_figures

    figures = {
        "train/grad_norm": update.grad_norm,
        "train/learning_rate": update.learning_rate,
        "train/tokens": float(losses.tokens),
        "optim/lr": update.learning_rate,
    }
    metrics.log(config.step, figures | policy_figures(losses.metrics))


class ReadEpisodesConfig(Config):
    count: int = setting(default=4, minimum=1, doc="the first so many")


@stage(effect=Effect.PURE)
def read_episodes(
    trajectories: Trajectories, tokenizer: Tokenizer, *, config: ReadEpisodesConfig
) -> Completions:
    """The first episodes as text: what was given, and all that was said after it."""
    from kitchen.runtime.turns import asked

    rows = []
    for episode in range(min(config.count, trajectories.episodes)):
        span = slice(*trajectories.offsets[episode : episode + 2].tolist())
        tokens, sampled = trajectories.tokens[span], trajectories.sampled[span]
        first = int(sampled.argmax())
        prompt = asked(tokenizer, tokens[:first].tolist())
        said = tokenizer.decode(tokens[first:].tolist())
        rows.append({"prompt": prompt.strip(), "completion": said.strip()})
    return Completions(rows=tuple(rows))


class DemonstrateConfig(Config):
    problems: int = setting(minimum=1)
    split: Split = "train"
    seed: int = setting(default=0, minimum=0)


@stage(effect=Effect.WRITES)
def demonstrate(
    *, config: DemonstrateConfig, environment: Environment, datasets: DatasetStore
) -> Dataset:
    """A data set of problems with their right answers, to learn from before there are rewards."""
    rows: list[dict[str, Any]] = []
    for index in range(config.problems):
        problem = Problem(config.seed, config.split, index)
        prompt, answer = environment.begin(problem).prompt, environment.answer(problem)
        if answer is None:
            raise DataError(
                "the environment has no one right answer to show",
                help="warm up on data of your own, or choose an environment with answers",
            )
        if isinstance(prompt, str):
            rows.append({"prompt": prompt, "completion": answer})
        else:
            said = [*map(dict, prompt), {"role": "assistant", "content": answer}]
            rows.append({"messages": said})
    return datasets.put("demonstrations", rows)


class ProblemTokenizerConfig(Config):
    model: str = setting(doc="preset, local directory or hub id")
    readers: tuple[str, ...] = setting(
        default=(), doc="other models that are to read the same tokens; no name: no model"
    )
    problems: int = setting(default=1000, minimum=1, doc="whose text a preset learns to write")
    seed: int = setting(default=0, minimum=0)


@stage(effect=Effect.PURE)
def problem_tokenizer(
    *, config: ProblemTokenizerConfig, training: TrainingClient, environment: Environment
) -> Tokenizer:
    """The tokenizer of a model; a preset trains its own on the text of problems.

    Models that are to read the same tokens, such as one that rewards them, must have the same.
    """
    from kitchen.runtime.vocabulary import shared_tokenizer

    def texts() -> Iterator[str]:
        for index in range(config.problems):
            problem = Problem(config.seed, "train", index)
            prompt = environment.begin(problem).prompt
            yield prompt if isinstance(prompt, str) else "\n".join(m["content"] for m in prompt)
            yield environment.answer(problem) or ""

    readers = [reader for reader in config.readers if reader]
    if not readers:
        return training.load_tokenizer(config.model, texts)
    return shared_tokenizer((config.model, *readers), texts, training)
