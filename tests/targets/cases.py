"""Recipes of every construct that task graphs have, and how each is run and what comes of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
SITE, RECIPES = FOLDER / "site", FOLDER / "recipes"


def environment() -> dict[str, str]:
    """The environment of a process that finds the stages of `pantry`."""
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(SITE), os.environ.get("PYTHONPATH", "")]))
    }


@dataclass(frozen=True)
class Case:
    """One recipe with some settings: what it keeps in the folder of the run, as JSON, by file.

    `fails` is the step that fails, where one does.
    """

    recipe: str
    keeps: Mapping[str, Any]
    settings: Mapping[str, object] = field(default_factory=dict)
    fails: str | None = None

    @property
    def id(self) -> str:
        given = "-".join(f"{name}-{value}" for name, value in self.settings.items())
        return f"{self.recipe}-{given}".rstrip("-").replace(" ", "_")

    @property
    def path(self) -> Path:
        return RECIPES / f"{self.recipe}.yaml"

    @property
    def words(self) -> list[str]:
        """The settings as the command line takes them."""
        return [
            word for name, value in self.settings.items() for word in ("--set", f"{name}={value}")
        ]


CASES: tuple[Case, ...] = (
    Case("condition", {"result.json": 14}),
    Case("condition", {"result.json": 6}, {"value": 2}),
    Case("condition_of_values", {"larger.json": 8}),
    Case("condition_of_values", {"larger.json": 10}, {"left": 5}),
    Case("condition_in_a_map", {"sum.json": 220}),
    Case("condition_in_a_map", {"sum.json": 0}, {"text": ""}),
    Case("skipped_in_a_map", {"sum.json": 160}),
    Case("map", {"sum.json": 130}),
    Case("map", {"sum.json": 0}, {"text": ""}),
    Case("map", {"sum.json": 30}, {"text": "oat"}),
    Case("map_of_one_task", {"sum.json": 130}),
    Case("map_over_a_known_list", {"sum.json": 130, "fig": {"name": "fig", "grams": 30,
                                                            "heavy": False}}),
    Case("map_over_a_map", {"sum.json": 240}),
    Case("nested_maps", {"sum.json": 123}),
    Case("nested_maps", {"sum.json": 0}, {"count": 0}),
    Case("nested_maps", {"sum.json": 41}, {"width": 0}),
    Case("fixed_loop", {"value.json": 12}),
    Case("fixed_loop", {"value.json": 1}, {"times": 0}),
    Case("counted_loop", {"value.json": 12}),
    Case("counted_loop", {"value.json": 1}, {"times": 0}),
    Case("until_loop", {"value.json": 16}),
    Case("until_loop", {"value.json": 4}, {"goal": 100, "most": 2}),
    Case("loop_in_a_map", {"sum.json": 242}),
    Case("map_in_a_loop", {"value.json": 36}),
    Case("maps_in_a_loop", {"value.json": 144}),
    Case("open_loop", {"value.json": 16}),
    Case("skipped_producer", {"absent.json": 1007, "default.json": 12}),
    Case("skipped_producer", {"absent.json": 21, "default.json": 21}, {"goal": 5}),
    Case("retries", {"value.json": 3}),
    Case("retries", {"value.json": 1}, {"fails": 0}),
    Case("endings", {"failed.json": "refuse_above", "last.json": 7}, fails="refuse_above"),
    Case("endings", {"fine.json": 7, "last.json": 7}, {"most": 9}),
    Case("sub_workflows", {"first.json": 100, "second.json": 140, "all.json": 240,
                           "last-first.json": 100, "last-second.json": 140}),
    Case("resources", {"twice.json": 6}),
    Case("nodes", {"twice.json": 6}),
    Case("pods", {"twice.json": 6}),
    Case("session", {"soup.json": ["leek", "potato", "cream"], "parts.json": 3}),
    Case("diamond", {"sum.json": 18}),
)  # fmt: skip


def kept(run: Path, names: Iterable[str]) -> dict[str, bytes]:
    """What a run wrote under these names."""
    return {name: (run / name).read_bytes() for name in names if (run / name).exists()}
