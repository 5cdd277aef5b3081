"""Events that a person is told of one by one, each in one line."""

from __future__ import annotations

from collections.abc import Mapping

from kitchen.cli.figures import duration, number
from kitchen.ir.program import Loop, Map, Program, Stage
from kitchen.ir.visible import visible
from kitchen.ir.walk import walk
from kitchen.runtime.events import (
    CheckpointCommitted,
    Event,
    MetricsLogged,
    Retrying,
    StageSkipped,
    StageStopped,
)

EVALUATION = "eval/"
#: Stages outside loops that are done sooner are not worth a line. Seconds.
SHORT = 0.1


def once(program: Program) -> frozenset[str]:
    """The stages that are not in a loop: each is told of when it is done."""
    repeated = {
        inner.name
        for op in walk(program.body)
        if isinstance(op, Loop | Map)
        for inner in walk(op.body)
    }
    stages = (op.name for op in walk(program.body) if isinstance(op, Stage))
    return frozenset(name for name in stages if name not in repeated)


def told(event: Event, stages: frozenset[str], step: int) -> str | None:
    """The line for an event, or None for one of the many that say nothing new."""
    match event:
        case StageStopped(op=op, reason=str(reason)):
            return f"{op.name}: {visible(reason)}"
        case StageStopped(op=op, seconds=seconds, error=None):
            if op.name not in stages or seconds < SHORT:
                return None
            return f"{op.name} ({duration(seconds)})"
        case MetricsLogged(step=measured, values=values):
            evaluation = figures(values, EVALUATION)
            return f"step {measured:,}: evaluation {evaluation}" if evaluation else None
        case CheckpointCommitted(name=name, seconds=seconds):
            return f"step {step:,}: checkpoint {name} ({duration(seconds)})"
        case Retrying(op=op, attempt=attempt, wait=wait, error=error):
            waited = f"attempt {attempt + 1} in {duration(wait)}"
            return f"{op.name} failed, {waited}: {visible(error)}"
        case StageSkipped(op=op, reason=reason):
            return f"{op.name} is skipped: {visible(reason)}"
    return None


def figures(values: Mapping[str, float], prefix: str) -> str:
    """`loss 2.314, accuracy 0.41` of the metrics under a prefix."""
    chosen = {name: value for name, value in values.items() if name.startswith(prefix)}
    return ", ".join(f"{title(name)} {number(value)}" for name, value in chosen.items())


def title(metric: str) -> str:
    """A metric's name in words, without what it is of.

    >>> title("eval/bits_per_byte"), title("train/rewards/chosen"), title("reward")
    ('bits per byte', 'rewards chosen', 'reward')
    """
    return visible(metric.partition("/")[2] or metric).replace("_", " ").replace("/", " ")
