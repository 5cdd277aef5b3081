"""The `environment` port over rows of data: each a question, and an answer to compare with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from kitchen.runtime.adapters.files import RowsConfig
from kitchen.runtime.adapters.files.sources import find_files
from kitchen.runtime.formats import Text, detect_format, read_example
from kitchen.runtime.order import permutation
from kitchen.runtime.pair_rows import ANSWERS, read_preference
from kitchen.runtime.ports import DataError, Problem, Prompt, Row, Step, Workspace


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt, and what is known to be a good answer; nothing is remembered between attempts.

    `others` are as good.
    """

    prompt: Prompt
    answer: str
    others: tuple[str, ...] = ()

    def step(self, action: str) -> Step:
        correct = float(action.strip() in (self.answer, *self.others))
        return Step(reward=correct, done=True, metrics={"correct": correct})


class FileQuestions:
    """The rows of files as problems of one turn: reward 1 for an answer of the row, to the letter.

    Every row format with a prompt will do; of a conversation, the last answer is the one to find,
    of a pair the chosen one. A share of the rows is held out, whatever the seed.
    """

    def __init__(self, config: RowsConfig, workspace: Workspace) -> None:
        self._source, self._holdout = config.path, config.holdout
        self._files = find_files(config.path, workspace)

    def begin(self, problem: Problem) -> Question:
        rows = self._splits[problem.split]
        lap, place = divmod(problem.index, len(rows))
        return self._questions[int(rows[_order(len(rows), problem.seed, lap)[place]])]

    def answer(self, problem: Problem) -> str | None:
        return self.begin(problem).answer

    @cached_property
    def _questions(self) -> list[Question]:
        rows = (row for file in self._files for row in file.rows())
        return [_question(row) for row in rows]

    @cached_property
    def _splits(self) -> dict[str, np.ndarray]:
        rows = permutation(len(self._questions))
        count = max(1, round(self._holdout * len(rows)))
        if count >= len(rows):
            raise DataError(
                f"it has {len(rows)} rows, and some are to be held out",
                uri=self._source,
                help="add rows, or lower `holdout`",
            )
        return {"held_out": rows[:count], "train": rows[count:]}


@lru_cache(maxsize=8)
def _order(count: int, seed: int, lap: int) -> np.ndarray:
    """The order in which the problems of a split come, each once in a lap."""
    return permutation(count, seed, lap)


def _question(row: Row) -> Question:
    if all(name in row.fields for name in ANSWERS):
        example = read_preference(row).chosen
    else:
        example = read_example(row, detect_format(row))
    others = tuple(other.strip() for other in example.others)
    if isinstance(example, Text):
        found = Question(example.prompt, example.completion.strip(), others)
    else:
        *said, last = example.messages
        found = Question(tuple(said), last["content"].strip(), others)
    if not found.prompt or not found.answer:
        raise DataError(
            "the row has no prompt with an answer to it",
            uri=row.uri,
            row=row.number,
            help="a problem is a row with both: `prompt` and `completion`, for one",
        )
    return found
