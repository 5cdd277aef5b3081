"""The folders an adapter may use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where an adapter may read and write: the recipe's folder, a cache, and this run's folder.

    `run` is None where nothing is being run (a probe).
    """

    base: Path
    cache: Path
    run: Path | None = None
