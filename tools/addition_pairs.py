"""Write recipes/data/addition.jsonl: two-digit sums, each with a right and a wrong answer.

    .venv/bin/python -m tools.addition_pairs

A verifier of sums is exact, so the right answer is chosen and the wrong one rejected. Wrong answers
are those that are learned first: a carry that is forgotten, one that was not due, a digit beside.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

PATH = Path(__file__).parents[1] / "recipes" / "data" / "addition.jsonl"
ROWS = 3000


def rows(count: int = ROWS) -> Iterator[dict[str, str]]:
    """Pairs about `count` of the 8,100 sums, the same ones every time."""
    draw = random.Random(0)
    problems = [(a, b) for a in range(10, 100) for b in range(10, 100)]
    for a, b in draw.sample(problems, count):
        carries = a % 10 + b % 10 >= 10
        wrong = a + b + draw.choice([-10 if carries else 10, -1, 1])
        yield {"prompt": f"{a} + {b} =", "chosen": str(a + b), "rejected": str(wrong)}


def main() -> None:
    PATH.write_text("".join(json.dumps(row) + "\n" for row in rows()))


if __name__ == "__main__":
    main()
