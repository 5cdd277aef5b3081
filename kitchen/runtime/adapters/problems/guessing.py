"""A number to be found by guessing: each guess is answered, so an episode has several turns."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from kitchen.runtime.adapters.problems import GuessingConfig
from kitchen.runtime.order import random_words
from kitchen.runtime.ports import Problem, Prompt, Step, Workspace

SPLITS = ("train", "held_out")
NUMBER = re.compile(r"[0-9]{1,6}")


@dataclass(slots=True)
class Game:
    """One game: the number, and the guesses that are left."""

    number: int
    highest: int
    guesses: int
    formed: int = 0  #: guesses that were numbers
    made: int = 0

    @property
    def prompt(self) -> Prompt:
        said = f"Guess my number from 1 to {self.highest}, in {self.guesses} guesses."
        return ({"role": "user", "content": said},)

    def step(self, action: str) -> Step:
        said = action.strip()
        guess = int(said) if NUMBER.fullmatch(said) else None
        self.made, self.formed = self.made + 1, self.formed + (guess is not None)
        found = guess == self.number
        if guess is None:
            observation = "Say a number."
        else:
            observation = "Higher." if guess < self.number else "Lower."
        done = found or self.made == self.guesses
        return Step(
            reward=float(found),
            done=done,
            observation="" if done else observation,
            metrics={"correct": float(found), "format": self.formed / self.made},
        )


class Guessing:
    """Games with numbers drawn by seed, split and index; there are too few to hold some out."""

    def __init__(self, config: GuessingConfig, workspace: Workspace) -> None:
        self.config = config

    def begin(self, problem: Problem) -> Game:
        split = SPLITS.index(problem.split)
        word = random_words(np.array([problem.index]), problem.seed, split)[0]
        number = 1 + int(word) % self.config.highest
        return Game(number, self.config.highest, self.config.guesses)

    def answer(self, problem: Problem) -> str | None:
        return None
