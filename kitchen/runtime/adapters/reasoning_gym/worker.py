"""The process that runs `reasoning-gym`: a request a line on its input, an answer a line.

`{"task", "options", "seed", "index"}` asks for a problem and is answered `{"question", "answer"}`;
with `"said"` as well it asks what that is worth: `{"score"}`. What a verifier tries to run as code
is refused and told of, `{"refused"}`, even where the verifier hides it; a request that cannot be
met is answered `{"fault"}`.
"""

from __future__ import annotations

import json
import sys
from functools import lru_cache
from types import CodeType
from typing import Any

SIZE = 2**31 - 1  #: problems of a family; they are made when they are asked for


class Guard:
    """Stops text that is run as code while answers are judged.

    `eval` and `exec` of a text run code that has no file: its name is `<string>`, or another in
    angle brackets.
    """

    def __init__(self) -> None:
        self.judging = self.stopped = False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "exec" or not self.judging:
            return
        code = arguments[0]
        name = code.co_filename if isinstance(code, CodeType) else "<"
        if name.startswith("<") and not name.startswith("<frozen"):
            self.stopped = True
            raise PermissionError("an answer is not run as code")


@lru_cache(maxsize=8)
def family(task: str, options: str, seed: int) -> Any:
    import reasoning_gym

    return reasoning_gym.create_dataset(task, seed=seed, size=SIZE, **json.loads(options))


def answer(request: dict[str, Any], guard: Guard) -> dict[str, Any]:
    """What a request is answered."""
    options = json.dumps(request["options"], sort_keys=True)
    problems = family(request["task"], options, request["seed"])
    problem = problems[request["index"]]
    if "said" not in request:
        return {"question": problem["question"], "answer": str(problem["answer"])}
    guard.judging, guard.stopped = True, False
    try:
        score = float(problems.score_answer(request["said"], entry=problem))
    except Exception as cause:  # a verifier raises whatever its author did not think of
        return {"refused": True} if guard.stopped else {"score": 0.0, "raised": repr(cause)}
    finally:
        guard.judging = False
    return {"refused": True} if guard.stopped else {"score": score}


def serve() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # what the package prints is no answer
    guard = Guard()
    for line in sys.stdin:
        try:
            found = answer(json.loads(line), guard)
        except Exception as cause:  # told to whoever asked, who says what to do
            found = {"fault": f"{type(cause).__name__}: {cause}"}
        answers.write(json.dumps(found) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
