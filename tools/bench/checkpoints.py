"""What checkpoints cost a run at the default interval, beside the steps between two of them."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from kitchen.compiler.compile import compile_recipe
from kitchen.ir.source import Source
from kitchen.runtime import plugins
from kitchen.runtime.events import CheckpointCommitted, Event
from tools.bench.figure import Figure
from tools.bench.peers import scratch
from tools.bench.training_run import RECIPE, Watch, step_time, through_kitchen, write_rows

EVERY = 5  #: steps between the checkpoints that are timed


class WatchCheckpoints(Watch):
    """Notes how long each checkpoint took, too."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def __call__(self, event: Event) -> None:
        super().__call__(event)
        if isinstance(event, CheckpointCommitted):
            self.seconds.append(event.seconds)


def default_interval() -> int:
    """Steps between checkpoints where a recipe says nothing about them."""
    silent = RECIPE.replace("  checkpoint_every: 0\n", "")
    program = compile_recipe(Source("bench.yaml", silent), plugins.installed()).program
    (every,) = (p.setting for p in program.params if p.value.name == "checkpoint_every")
    assert isinstance(every, int)
    return every


def measure() -> Iterator[Figure]:
    every = default_interval()
    recipe = RECIPE.replace("checkpoint_every: 0", f"checkpoint_every: {EVERY}")
    with scratch() as folder:
        write_rows(folder)
        watch = WatchCheckpoints()
        through_kitchen(recipe, folder, "run", watch)
        checkpoint, steps = median(watch.seconds), step_time(watch.ends) * every
        yield Figure(
            name=f"a checkpoint every {every} steps",
            peer=f"{every} steps",
            ours=checkpoint,
            theirs=steps,
            ratio=checkpoint / steps,
            unit="s",
            bound=0.05,
            note=f"median of {len(watch.seconds)} checkpoints in one run",
        )
