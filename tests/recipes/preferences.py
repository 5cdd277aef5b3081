"""A small data set of preferences, and the recipe that the tests of `preference` run."""

from __future__ import annotations

import json
from pathlib import Path

RECIPE = """kitchen: 1
recipe: test
workflow: preference
params:
  model: nano
  dataset: ./pairs.jsonl
  batch_size: 4
  max_length: 96
  holdout: 0.25
  epochs: 3
  learning_rate: 3e-3
adapters:
  training: torch
  sampling: torch
  datasets: files
  metrics: parquet
"""

THINGS = ("apple", "pear", "plum", "dog", "cat", "bee", "boat", "house")


def write_preferences(folder: Path, *, copies: int = 3) -> Path:
    """Pairs of a polite and a rude answer, and the recipe beside them."""
    rows = [
        {
            "prompt": f"What is this {thing}{'?' * (copy + 1)}",
            "chosen": f"This {thing} is fine, thank you.",
            "rejected": f"Find out about this {thing} alone!" + " Go away." * (copy % 2),
        }
        for copy in range(copies)
        for thing in THINGS
    ]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = folder / "recipe.yaml"
    path.write_text(RECIPE)
    return path
