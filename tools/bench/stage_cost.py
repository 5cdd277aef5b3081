"""What it costs to run a stage that does nothing, journal on, beside other systems' steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from kitchen.compiler.compile import compile_recipe
from kitchen.ir.program import Program
from kitchen.runtime.events import RunStarted, RunStopped
from kitchen.runtime.interpreter import Interpreter
from kitchen.runtime.journal import Journal
from kitchen.runtime.ports import Workspace
from kitchen.runtime.run_directory import RunDirectory
from kitchen.runtime.world import World
from tools.bench.figure import Figure, Timed, pairs, seconds
from tools.bench.generated import RECIPE, STAGES, chain, registry, rounds
from tools.bench.peers import RUNS, available, scratch

CHAIN, ROUNDS, BODY = 100, 1_000, 10


def program(template: str) -> Program:
    return compile_recipe(RECIPE, registry(template)).program


def interpretation(program: Program, folder: Path) -> Callable[[], None]:
    """A run of a program: interpreted from its first op to its last, every event journalled."""
    directory = RunDirectory.create(folder, {})

    def work() -> None:
        journal = Journal(directory)
        world = World(
            functions=STAGES,
            ports={},
            workspace=Workspace(base=folder, cache=folder),
            listeners=(journal,),
        )
        journal(RunStarted(program, resumed=False))
        Interpreter(world).run(program.body, {p.value: p.setting for p in program.params})
        journal(RunStopped("done", 0.0))

    return work


def per_stage(work: Callable[[], object], count: int) -> Timed:
    """Microseconds a stage."""
    timed = seconds(work)
    return lambda: timed() / count * 1e6


def measure() -> Iterator[Figure]:
    with scratch() as folder:
        looped = interpretation(program(rounds(ROUNDS, BODY)), folder / "rounds")
        straight = interpretation(program(chain(CHAIN)), folder / "chain")
        for name, run in available(RUNS, dict.fromkeys(RUNS, CHAIN)):
            ours, theirs, ratio = pairs(
                per_stage(looped, ROUNDS * BODY), per_stage(run, CHAIN), count=7
            )
            yield Figure(
                name="a stage in a loop",
                peer=name,
                ours=ours,
                theirs=theirs,
                ratio=ratio,
                unit="µs",
                bound=8,
                bounds_ours=True,
            )
            ours, theirs, ratio = pairs(per_stage(straight, CHAIN), per_stage(run, CHAIN), count=7)
            yield Figure(
                name="a stage of a chain, whole run",
                peer=name,
                ours=ours,
                theirs=theirs,
                ratio=ratio,
                unit="µs",
                note="prepared anew, and each with a line of its own in the journal",
            )
