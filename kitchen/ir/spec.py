"""What the compiler knows of stages, ports and adapters, without importing what they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from kitchen.ir.frozen import frozen
from kitchen.ir.source import Source
from kitchen.ir.types import Type


class Effect(StrEnum):
    """What a stage does to the world, beyond its outputs and the handles it is given."""

    PURE = "pure"  #: may be merged, hoisted, cached, repeated
    READS = "reads"  #: may be dropped if nothing uses it
    WRITES = "writes"  #: kept, once, in order


@frozen(kw_only=True)
class Setting:
    """One typed setting: a parameter of a template, or a config key of a stage or adapter.

    `minimum` and `maximum` are within its range, `above` and `below` are just outside.
    """

    name: str
    type: Type
    required: bool = True
    default: object = None
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[object, ...] = ()
    doc: str = ""


@frozen
class Input:
    """One input of a stage. `mutable`: the stage gives back the next version of the handle.

    `closes`: that version is the last, and nothing may read it. Whoever closes a handle stays in a
    program as long as what opened it does.

    What may be absent is needed all the same where a setting has one of the values that
    `needed_for` names with it.
    """

    name: str
    type: Type
    mutable: bool = False
    needed_for: tuple[str, tuple[object, ...]] | None = None
    closes: bool = False  #: so it is `mutable`, too

    @property
    def required(self) -> bool:
        return not self.type.is_optional


@frozen
class PortUse:
    """A port a stage needs, and what it asks of it.

    A capability may name a setting in braces: `loss.{loss}` is `loss.ppo` where `loss: ppo`.
    """

    port: str
    capabilities: tuple[str, ...] = ()


@frozen(kw_only=True)
class StageSpec:
    """A stage as its signature declares it."""

    name: str
    inputs: tuple[Input, ...] = ()
    outputs: tuple[tuple[str, Type], ...] = ()
    config: tuple[Setting, ...] = ()
    ports: tuple[PortUse, ...] = ()
    effect: Effect = Effect.WRITES
    doc: str = ""

    @property
    def mutated(self) -> tuple[Input, ...]:
        """The inputs whose next version follows the declared outputs."""
        return tuple(given for given in self.inputs if given.mutable)

    @property
    def closed(self) -> tuple[Input, ...]:
        """The inputs that nothing may read when the stage is done."""
        return tuple(given for given in self.inputs if given.closes)

    def setting(self, name: str) -> Setting | None:
        return next((setting for setting in self.config if setting.name == name), None)


@frozen(kw_only=True)
class AdapterSpec:
    """An adapter as it declares itself: its settings and what it can do.

    What one process gives to a `shared` one, another finds there.
    """

    port: str
    name: str
    config: tuple[Setting, ...] = ()
    capabilities: frozenset[str] = frozenset()
    shared: bool = True
    doc: str = ""


@frozen(kw_only=True)
class Registry:
    """Everything a recipe may name. Its mappings list names without importing what they name."""

    stages: Mapping[str, StageSpec] = field(default_factory=dict)
    adapters: Mapping[str, Mapping[str, AdapterSpec]] = field(default_factory=dict)
    workflows: Mapping[str, Source] = field(default_factory=dict)
