"""The folders an adapter may use."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from kitchen.ir.frozen import frozen
from kitchen.runtime.ports.faults import DataError

RUN = "run:"  #: begins the name of what this run made itself


@frozen
class Workspace:
    """Where an adapter may read and write: the recipe's folder, a cache, and this run's folder.

    `run` is None where nothing is being run (a probe). Processes that share a run's folder each
    have a `part` of what is written bit by bit; the parts sort in the order of the run.
    """

    base: Path
    cache: Path
    run: Path | None = None
    part: str = ""

    def made_by_run(self, name: str) -> Path | None:
        """Where `run:PATH` is, in this run's folder; None for a name that is written otherwise."""
        if not name.startswith(RUN):
            return None
        path = PurePosixPath(name.removeprefix(RUN))
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise DataError(
                f"`{name}` leads out of the run's folder", help="write `run:PATH`, without `..`"
            )
        if self.run is None:
            raise DataError(f"`{name}` is made by a run, and nothing is run", help="run it")
        return self.run / path
