"""A whole `kitchen compile` of the quick start, beside a process that imports its two parsers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.bench.figure import Figure, pairs, seconds

#: Both sides start from bytecode, as installed packages do.
ENVIRONMENT = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
RECIPE = Path(__file__).parents[2] / "recipes" / "sft.yaml"


def measure() -> Iterator[Figure]:
    def process(*arguments: str) -> None:
        command = [sys.executable, *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)

    ours, theirs, ratio = pairs(
        seconds(lambda: process("-m", "kitchen", "compile", str(RECIPE))),
        seconds(lambda: process("-c", "import pydantic, yaml")),
        count=15,
    )
    yield Figure(
        name="compile recipes/sft.yaml, whole process",
        peer='python -c "import pydantic, yaml"',
        ours=ours,
        theirs=theirs,
        ratio=ratio,
        unit="s",
        bound=1.5,
    )
