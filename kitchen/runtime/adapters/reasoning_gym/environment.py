"""The `environment` port over `reasoning-gym`, which runs in a process beside this one."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self

import numpy as np

from kitchen.runtime.adapters.reasoning_gym import ReasoningGymConfig
from kitchen.runtime.order import random_words
from kitchen.runtime.ports import AdapterError, DataError, Problem, Prompt, Step, Workspace

SPLITS = ("train", "held_out")
STARTS_WITHIN = 120.0  #: seconds for the package to be imported and the first problem made
PROBES = ("x", "[1]")  #: answers that a verifier may take for code
WORKER = "kitchen.runtime.adapters.reasoning_gym.worker"


@dataclass(frozen=True, slots=True)
class Question:
    """One problem of the package, by its request."""

    prompt: Prompt
    answer: str
    request: dict[str, Any]
    gym: ReasoningGym

    def step(self, action: str) -> Step:
        score, timed_out = self.gym.score(self.request, action.strip())
        figures = {"correct": float(score >= 1), "timed_out": float(timed_out)}
        return Step(reward=score, done=True, metrics=figures)


class ReasoningGym:
    """Problems by seed and index; the splits draw from seeds of their own.

    A verifier that takes too long is ended with its process, the answer is worth 0, and the metric
    `timed_out` counts it.
    """

    def __init__(self, config: ReasoningGymConfig, workspace: Workspace) -> None:
        self.config = config
        if find_spec("reasoning_gym") is None:
            raise AdapterError(
                "the package `reasoning-gym` is not installed",
                help="install it: `pip install 'kitchen[reasoning-gym]'`",
            )
        self._process: subprocess.Popen[str] | None = None
        self._question = lru_cache(maxsize=4096)(self._asked)

    def begin(self, problem: Problem) -> Question:
        return self._question(problem)

    def answer(self, problem: Problem) -> str | None:
        return self.begin(problem).answer

    def _asked(self, problem: Problem) -> Question:
        seed = random_words(np.array([SPLITS.index(problem.split)]), problem.seed)[0]
        request = {
            "task": self.config.task,
            "options": dict(self.config.options),
            "seed": int(seed) % 2**31,
            "index": problem.index,
        }
        first = self._process is None
        found = self._ask(request, STARTS_WITHIN)
        if found is None or "fault" in found:
            reason = "it takes too long" if found is None else found["fault"]
            raise DataError(
                f"no problem of `{self.config.task}` can be made: {reason}",
                help="look at `task` and `options` under `environment`",
            )
        said = f"{found['question']}\n\n{self.config.instruction}".rstrip()
        question = Question(({"role": "user", "content": said},), found["answer"], request, self)
        if first:  # a family that cannot be judged is told of before anything is sampled
            for said in (found["answer"], *PROBES):
                self.score(request, said)
        return question

    def score(self, request: dict[str, Any], said: str) -> tuple[float, bool]:
        """What an answer is worth, and whether its verifier was given up."""
        found = self._ask({**request, "said": said}, self.config.timeout)
        if found is None:
            return 0.0, True
        if "refused" in found:
            raise DataError(
                f"the verifier of `{self.config.task}` runs answers as code, which is refused",
                help="choose a family whose verifier reads them",
            )
        if "fault" in found:
            raise AdapterError(f"`{self.config.task}` cannot be judged: {found['fault']}")
        return float(found["score"]), False

    def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any] | None:
        """The answer to a request; None where it takes too long, and then the process is ended."""
        process = self._process
        if process is None:
            process = self._process = subprocess.Popen(
                [sys.executable, "-m", WORKER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONHASHSEED": "0"},
            )
            if "said" in request:  # a new process imports the package before it can judge
                asked = {name: value for name, value in request.items() if name != "said"}
                if self._ask(asked, STARTS_WITHIN) is None:
                    return None
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], seconds)
            line = process.stdout.readline() if ready else None
        except BrokenPipeError:
            line = ""
        if line == "":
            self._end()
            raise AdapterError("the process of `reasoning-gym` has ended", transient=True)
        if line is None:
            self._end()
            return None
        found: dict[str, Any] = json.loads(line)
        return found

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()
