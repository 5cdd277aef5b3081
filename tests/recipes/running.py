"""Compile and run a recipe in this process, and read what it left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kitchen.compiler.compile import Compiled, compile_recipe
from kitchen.compiler.plan import plan_of
from kitchen.ir.source import Source
from kitchen.runtime.events import Event
from kitchen.runtime.plugins import installed
from kitchen.runtime.ports import Workspace
from kitchen.runtime.runner import Runner, begin


@dataclass
class Ran:
    """A finished run: its folder, what happened, and its metrics by name as (step, value)."""

    folder: Path
    status: str
    events: list[Event] = field(default_factory=list)

    @property
    def metrics(self) -> Mapping[str, list[tuple[int, float]]]:
        import pyarrow.parquet as parquet

        found: dict[str, list[tuple[int, float]]] = {}
        for path in sorted((self.folder / "metrics").glob("*.parquet")):
            for row in parquet.read_table(path).to_pylist():
                found.setdefault(row["name"], []).append((row["step"], row["value"]))
        return found

    def sample(self, label: str) -> list[dict[str, str]]:
        text = (self.folder / "samples" / f"{label}.json").read_text()
        rows: list[dict[str, str]] = json.loads(text)["rows"]
        return rows


CONVERSATIONS = [
    ("What colour is the sky?", "The sky is blue on a clear day."),
    ("Name a fruit.", "An apple is a fruit."),
    ("How many legs has a dog?", "A dog has four legs."),
    ("Say hello.", "Hello, and good morning to you!"),
    ("What do bees make?", "Bees make honey, and some wax."),
    ("Is water wet?", "Yes."),
]


def write_chats(path: Path, *, copies: int = 4) -> Path:
    """A small data set of ragged conversations."""
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"{question} ({copy})"},
                {"role": "assistant", "content": answer * (1 + copy % 3)},
            ]
        }
        for copy in range(copies)
        for question, answer in CONVERSATIONS
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


RECIPE = """kitchen: 1
recipe: test
workflow: supervised
params:
  model: nano
  dataset: ./chats.jsonl
  batch_size: 4
  max_length: 64
  holdout: 0.25
  epochs: 2
  learning_rate: 3e-3
adapters:
  training: torch
  sampling: torch
  datasets: files
  metrics: parquet
"""


def compile_file(recipe: Path, **overrides: object) -> Compiled:
    """A recipe, compiled with overrides; `adapters__training` stands for `adapters.training`."""
    given = {name.replace("__", "."): str(value) for name, value in overrides.items()}
    return compile_recipe(Source(str(recipe), recipe.read_text()), installed(), overrides=given)


def run_file(recipe: Path, folder: Path, **overrides: object) -> Ran:
    """Run a recipe to its end, in a folder of the run's own."""
    result = compile_file(recipe, **overrides)
    program = result.program
    plan = plan_of(program, installed(), result.diagnostics)
    directory = begin(folder, recipe=recipe, text=recipe.read_text(), overrides={}, plan=plan)
    events: list[Event] = []
    runner = Runner(
        program=program,
        directory=directory,
        workspace=Workspace(base=recipe.parent, cache=folder.parent / "cache", run=folder),
        listeners=(events.append,),
    )
    return Ran(folder, runner.run(), events)


def compiled(folder: Path, **overrides: object) -> Compiled:
    """The test recipe, compiled with overrides."""
    return compile_file(_written(folder), **overrides)


def run(folder: Path, *, name: str = "run", **overrides: object) -> Ran:
    """Run the test recipe to its end in `folder`."""
    return run_file(_written(folder), folder / name, **overrides)


def _written(folder: Path) -> Path:
    write_chats(folder / "chats.jsonl")
    path = folder / "recipe.yaml"
    path.write_text(RECIPE)
    return path
