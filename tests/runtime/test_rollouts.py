"""Episodes as they were sampled: never re-encoded, each from its own numbers, judged and ended."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from kitchen.runtime.adapters.problems import AdditionConfig, GuessingConfig
from kitchen.runtime.adapters.problems.addition import Addition
from kitchen.runtime.adapters.problems.guessing import Guessing
from kitchen.runtime.futures import resolved
from kitchen.runtime.plugins import adapters
from kitchen.runtime.ports import (
    DataError,
    Problem,
    Prompt,
    Sample,
    SamplingParams,
    Step,
    Workspace,
)
from kitchen.runtime.rollouts import RolloutOptions, play
from kitchen.runtime.turns import asked, first_turn, next_turn
from kitchen.runtime.values import Sampler, Tokenizer

OPTIONS = RolloutOptions(
    problems=3,
    group_size=2,
    split="train",
    iteration=0,
    seed=5,
    max_tokens=4,
    max_turns=8,
    temperature=1.0,
)


@dataclass
class Scripted:
    """A sampler that says what it is told to, in odd tokens, and remembers its prompts."""

    says: Sequence[Sequence[int]]
    stop_reason: str = "stop"
    prompts: list[np.ndarray] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)

    def sample(
        self, sampler: Sampler, prompts: Sequence[np.ndarray], params: SamplingParams, *, count: int
    ) -> Future[list[list[Sample]]]:
        said = np.array(self.says[min(len(self.seeds), len(self.says) - 1)], np.int32)
        logprobs = -np.arange(1, len(said) + 1, dtype=np.float32)
        self.prompts += [prompt for prompt in prompts for _ in range(count)]
        self.seeds.append(params.seed)
        one = Sample(said, logprobs / 2, logprobs, self.stop_reason)
        return resolved(lambda: [[one] * count for _ in prompts])


@pytest.fixture(scope="module", params=["noop", "torch"])
def tokenizer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Tokenizer:
    """Without a chat template, and with one."""
    folder = tmp_path_factory.mktemp("tokenizer")
    training = adapters()["training"][request.param].bind({}, Workspace(folder, folder / "cache"))
    made: Tokenizer = training.load_tokenizer("nano", lambda: ["Guess 1 2 3", "Higher. Lower."] * 9)
    return made


def guessing(tmp_path: Path, **settings: int) -> Guessing:
    return Guessing(GuessingConfig(**settings), Workspace(tmp_path, tmp_path))


def ids(tokenizer: Tokenizer, text: str, *, end: bool = True) -> list[int]:
    encoded = tokenizer.encode([text])[0].tolist()
    return [*encoded, tokenizer.eos_id] if end else encoded


def test_what_was_sampled_is_kept_as_it_was(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """A word in single letters, which no tokenizer would write, comes back in single letters."""
    odd = [token for letter in "no7" for token in ids(tokenizer, letter, end=False)]
    odd.append(tokenizer.eos_id)
    script = Scripted([odd, ids(tokenizer, "8")])
    made = play(Sampler(), tokenizer, OPTIONS, script, guessing(tmp_path, guesses=2))  # type: ignore[arg-type]
    for episode in range(made.episodes):
        span = slice(*made.offsets[episode : episode + 2].tolist())
        tokens, sampled = made.tokens[span], made.sampled[span]
        assert tokens[sampled].tolist()[: len(odd)] == odd
        drawn = made.logprobs[span]
        assert drawn[sampled][: len(odd)].tolist() == [-1.0 * n for n in range(1, len(odd) + 1)]
        assert not drawn[~sampled].any()
        second = script.prompts[made.episodes + episode] if made.turns[episode] > 1 else None
        if second is not None:
            np.testing.assert_array_equal(tokens[: len(second)], second)


def test_attempts_of_a_group_are_at_one_problem(tmp_path: Path, tokenizer: Tokenizer) -> None:
    environment = Addition(AdditionConfig(), Workspace(tmp_path, tmp_path))
    script = Scripted([ids(tokenizer, "1")])
    options = replace(OPTIONS, iteration=2)
    made = play(Sampler(), tokenizer, options, script, environment)  # type: ignore[arg-type]
    assert made.groups.tolist() == [0, 0, 1, 1, 2, 2]
    wanted = [
        first_turn(tokenizer, environment.begin(Problem(5, "train", 6 + group)).prompt)
        for group in made.groups.tolist()
    ]
    for prompt, expected in zip(script.prompts, wanted, strict=True):
        np.testing.assert_array_equal(prompt, expected)


def test_every_turn_of_every_iteration_draws_its_own_numbers(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    seeds: list[int] = []
    for iteration in range(3):
        script = Scripted([ids(tokenizer, "no")])
        options = replace(OPTIONS, iteration=iteration)
        play(Sampler(), tokenizer, options, script, guessing(tmp_path, guesses=3))  # type: ignore[arg-type]
        seeds += script.seeds
    assert len(seeds) == len(set(seeds)) == 9


def test_a_cut_answer_is_ended_before_the_next_turn(tokenizer: Tokenizer, tmp_path: Path) -> None:
    for whole in (True, False):
        script = Scripted([ids(tokenizer, "no", end=whole)], "stop" if whole else "length")
        made = play(Sampler(), tokenizer, OPTIONS, script, guessing(tmp_path, guesses=2))  # type: ignore[arg-type]
        assert made.cut.all() != whole
        first = made.tokens[: made.offsets[1]].tolist()
        said = ids(tokenizer, "no", end=False)
        at = next(i for i in range(len(first)) if first[i : i + len(said)] == said)
        assert first[at + len(said)] == tokenizer.eos_id != first[at + len(said) + 1]


def test_turns_extend_what_was_there(tokenizer: Tokenizer) -> None:
    """An episode of two turns is the very tokens of the conversation, written at once."""
    prompt: Prompt = ({"role": "user", "content": "Guess"},)
    action = ids(tokenizer, "3" if tokenizer.chat_template else " 3")
    turns = [*first_turn(tokenizer, prompt), *action]
    turns += next_turn(tokenizer, prompt, action, "Higher.").tolist()
    whole = (*prompt, {"role": "assistant", "content": "3"}, {"role": "user", "content": "Higher."})
    assert turns == first_turn(tokenizer, whole).tolist()


def test_text_goes_on_as_text(tokenizer: Tokenizer) -> None:
    added = next_turn(tokenizer, "a maze", ids(tokenizer, "left", end=False), " wall")
    assert added.tolist() == ids(tokenizer, " wall", end=False)


@pytest.mark.parametrize("said", ["Guess 1.", "Higher?\n  3. Lower!", "."])
def test_what_was_asked_is_read_back(tokenizer: Tokenizer, said: str) -> None:
    """Without the template around it, where there is one; text that goes on as text is whole."""
    prompt: Prompt = ({"role": "user", "content": said},)
    assert asked(tokenizer, first_turn(tokenizer, prompt).tolist()) == said
    assert asked(tokenizer, first_turn(tokenizer, said).tolist()) == said


@dataclass
class Judge:
    """Rewards everything with one number, for ever."""

    reward: float
    prompt: Prompt = "go"

    def begin(self, problem: Problem) -> Judge:
        return self

    def answer(self, problem: Problem) -> str | None:
        return None

    def step(self, action: str) -> Step:
        return Step(self.reward, False, " on", {"correct": 0.0})


def test_turns_are_bounded_and_rewards_add_up(tokenizer: Tokenizer) -> None:
    options = replace(OPTIONS, max_turns=3)
    made = play(Sampler(), tokenizer, options, Scripted([[5]]), Judge(0.5))  # type: ignore[arg-type]
    assert made.turns.tolist() == [3] * 6
    assert made.rewards.tolist() == [1.5] * 6


@pytest.mark.parametrize("reward", [float("nan"), float("inf")])
def test_a_reward_is_a_number(tokenizer: Tokenizer, reward: float) -> None:
    with pytest.raises(DataError, match="gave the reward"):
        play(Sampler(), tokenizer, OPTIONS, Scripted([[5]]), Judge(reward))  # type: ignore[arg-type]
