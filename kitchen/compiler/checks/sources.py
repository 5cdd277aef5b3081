"""What could be bound to an input that has nothing: a value at hand, or a stage to run first."""

from __future__ import annotations

from functools import cached_property

from kitchen.compiler.checks.places import stages
from kitchen.ir.expr import Value
from kitchen.ir.program import Program, Stage
from kitchen.ir.spec import Input, Registry, StageSpec
from kitchen.ir.types import Kind, Type, accepts


class Sources:
    """Who gives which type in a program; worked out when the first question is asked."""

    def __init__(self, program: Program, registry: Registry) -> None:
        self.program = program
        self.registry = registry

    def cure(self, op: Stage, wanted: Input) -> str:
        """What to do about an input of an op that nothing is bound to."""
        found = self.at_hand(op, wanted)
        if found is not None:
            return found
        for spec in self._specs:
            gives = any(_gives(type_, wanted.type) for _, type_ in spec.outputs)
            if gives and spec.name != op.stage:
                return f"`{spec.name}` gives `{wanted.type}`: run it before this step"
        return f"add a step before this one that gives `{wanted.type}`"

    def at_hand(self, op: Stage, wanted: Input) -> str | None:
        """How to bind the last value of the right type that is made before an op, if any is."""
        made: dict[Type, Value] = {}
        if op.span is not None:
            made = self._before.get((op.span.source.name, op.span.start), {})
        value = next((v for type_, v in made.items() if _gives(type_, wanted.type)), None)
        if value is None:
            return None
        return (
            f"`{value.name}` is `{value.type}`: bind it with `in: {{{wanted.name}: {value.name}}}`"
        )

    @cached_property
    def _before(self) -> dict[tuple[str, int], dict[Type, Value]]:
        """By the place of a top-level stage: the last value of each type made before it."""
        found: dict[tuple[str, int], dict[Type, Value]] = {}
        made: dict[Type, Value] = {}
        for op in self.program.body.ops:
            if isinstance(op, Stage) and op.span is not None:
                found[op.span.source.name, op.span.start] = made
            if op.outputs:
                made = made | {value.type: value for value in op.outputs}
        return found

    @cached_property
    def _specs(self) -> tuple[StageSpec, ...]:
        """The stages that the program names; looking at others would import them."""
        names = sorted({op.stage for op in stages(self.program)})
        return tuple(self.registry.stages[name] for name in names if name in self.registry.stages)


def _gives(type_: Type, wanted: Type) -> bool:
    return type_.kind is not Kind.UNKNOWN and accepts(wanted, type_)
