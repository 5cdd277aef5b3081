"""Which names steps define, found before anything is built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kitchen.compiler.frontend.syntax import (
    IfStep,
    LoopStep,
    MapStep,
    Scalar,
    StageStep,
    Step,
    WorkflowStep,
)
from kitchen.ir.source import Span
from kitchen.ir.spec import Registry, StageSpec


def input_names(step: StageStep) -> dict[str, Scalar]:
    """What `in:` says: input name to the scalar that names its value."""
    return {name.text: value for name, value in step.inputs}


def output_names(step: StageStep, spec: StageSpec) -> Iterator[tuple[str, Span]]:
    """The name each declared output is given, in order: `as:`, or the output's own."""
    renamed = {name.text: value for name, value in step.as_named}
    for index, (name, _) in enumerate(spec.outputs):
        if index < len(step.as_):
            yield step.as_[index].text, step.as_[index].span
        elif name in renamed:
            yield renamed[name].text, renamed[name].span
        else:
            yield name, step.stage.span


def defines(steps: Iterable[Step], registry: Registry) -> Iterator[tuple[str, Span]]:
    """Every name the steps define or update, at any depth, with the place."""
    for step in steps:
        match step:
            case StageStep():
                yield from _stage_defines(step, registry)
            case LoopStep() | MapStep():
                yield from defines(step.steps, registry)
            case IfStep():
                yield from defines(step.then, registry)
                yield from defines(step.orelse, registry)
            case WorkflowStep():
                for _, name in step.as_named:
                    yield name.text, name.span


def _stage_defines(step: StageStep, registry: Registry) -> Iterator[tuple[str, Span]]:
    spec = registry.stages.get(step.stage.text)
    if spec is None:
        yield from ((name.text, name.span) for name in step.as_)
        yield from ((name.text, name.span) for _, name in step.as_named)
        return
    yield from output_names(step, spec)
    given = input_names(step)
    for mutable in spec.mutated:
        scalar = given.get(mutable.name)
        yield (mutable.name, step.stage.span) if scalar is None else (scalar.text, scalar.span)
