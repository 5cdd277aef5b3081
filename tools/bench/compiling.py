"""Compiling generated recipes of 1,000 and 10,000 stages: growth, and peers on as many steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kitchen.compiler.compile import compile_recipe
from kitchen.ir.walk import walk
from tools.bench.figure import Figure, pairs, seconds
from tools.bench.generated import RECIPE, chain, registry
from tools.bench.peers import BUILDS, available

SMALL, LARGE = 1_000, 10_000
#: KFP's time grows with the square: 10,000 steps would take it the better part of an hour.
PEER_STEPS = {"Hamilton": LARGE, "Hera": LARGE, "KFP": SMALL}


def compilation(count: int) -> Callable[[], None]:
    """A compilation of `count` stages, text to program, every one of which is kept."""
    stages = registry(chain(count))

    def work() -> None:
        compiled = compile_recipe(RECIPE, stages)
        assert sum(1 for _ in walk(compiled.program.body)) == count

    return work


def measure() -> Iterator[Figure]:
    small, large = seconds(compilation(SMALL)), seconds(compilation(LARGE))
    ours, theirs, ratio = pairs(
        lambda: large() / LARGE * 1e6, lambda: small() / SMALL * 1e6, count=7
    )
    yield Figure(
        name="compile, 10,000 stages: per stage",
        peer="kitchen with 1,000",
        ours=ours,
        theirs=theirs,
        ratio=ratio,
        unit="µs",
        bound=1.3,
    )
    for name, build in available(BUILDS, PEER_STEPS):
        steps = PEER_STEPS[name]
        ours, theirs, ratio = pairs(seconds(compilation(steps)), seconds(build), count=3)
        yield Figure(
            name=f"compile, {steps:,} stages",
            peer=name,
            ours=ours,
            theirs=theirs,
            ratio=ratio,
            unit="s",
            bound=1.5 if steps == LARGE else None,
            bounds_ours=True,
        )
