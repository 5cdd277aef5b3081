"""`@stage`: the signature of a function is the declaration of a stage."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from kitchen.ir.spec import Effect, Input, PortUse, Setting, StageSpec
from kitchen.ir.types import SCALARS, Type
from kitchen.runtime.annotations import type_of
from kitchen.runtime.config import settings_of
from kitchen.runtime.values import CLOSING, MUTABLE

F = TypeVar("F", bound=Callable[..., Any])


class Uses:
    """Marks a port argument with the capabilities the stage asks of it."""

    def __init__(self, *capabilities: str) -> None:
        self.capabilities = capabilities


class NeededFor:
    """Marks an input that may be absent, unless a setting has one of these values."""

    def __init__(self, setting: str, *values: object) -> None:
        self.setting, self.values = setting, values


class StageFunction(Protocol):
    """A function with the declaration read off its signature."""

    spec: StageSpec

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __hash__(self) -> int: ...


def stage(*, effect: Effect = Effect.WRITES) -> Callable[[F], F]:
    """Declare a function as a stage; it stays the same function, with `.spec` beside it.

    Positional parameters are inputs; the return annotation is the output (see `output_name`), a
    NamedTuple for several; keyword-only parameters are `config`, `workspace`, and ports, by the
    port's name.
    """

    def declare(function: F) -> F:
        function.spec = _spec(function, effect)  # type: ignore[attr-defined]
        return function

    return declare


def _spec(function: Callable[..., Any], effect: Effect) -> StageSpec:
    hints = typing.get_type_hints(function, include_extras=True)
    inputs: list[Input] = []
    ports: list[PortUse] = []
    config: tuple[Setting, ...] = ()
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name not in hints:
            raise TypeError(f"{function.__qualname__}: `{parameter.name}` has no annotation")
        hint = hints[parameter.name]
        if parameter.kind is not parameter.KEYWORD_ONLY:
            marks = getattr(hint, "__metadata__", ())
            needs = [(m.setting, m.values) for m in marks if isinstance(m, NeededFor)]
            needed_for = needs[0] if needs else None
            mutable, closes = MUTABLE in marks or CLOSING in marks, CLOSING in marks
            inputs.append(Input(parameter.name, type_of(hint), mutable, needed_for, closes))
        elif parameter.name == "config":
            config = settings_of(hint)
        elif parameter.name == "workspace":
            continue
        else:
            uses = [m for m in getattr(hint, "__metadata__", ()) if isinstance(m, Uses)]
            ports.append(PortUse(parameter.name, uses[0].capabilities if uses else ()))
    return StageSpec(
        name=function.__name__,
        inputs=tuple(inputs),
        outputs=_outputs(function, hints),
        config=config,
        ports=tuple(ports),
        effect=effect,
        doc=inspect.getdoc(function) or "",
    )


def _outputs(function: Callable[..., Any], hints: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    if "return" not in hints:
        raise TypeError(f"{function.__qualname__}: no return annotation")
    given = hints["return"]
    if given is type(None):
        return ()
    inner = typing.get_args(given)[0] if typing.get_origin(given) is not None else given
    fields = getattr(inner, "__annotations__", {}) if hasattr(inner, "_fields") else None
    if fields is not None:
        named = typing.get_type_hints(inner, include_extras=True)
        return tuple((name, type_of(named[name])) for name in fields)
    type_ = type_of(given)
    return ((output_name(type_, function.__name__), type_),)


def output_name(type_: Type, stage_name: str) -> str:
    """What an output is called unless a step says otherwise: its type, in a name's spelling.

    >>> output_name(Type("Stream", args=(Type("Batch"),)), "build_batches")
    'batches'

    A scalar takes the name of its stage: `learning_rate`.
    """
    type_ = type_.required
    if type_.name in ("List", "Stream") and type_.args[0].name not in SCALARS:
        one = output_name(type_.args[0], stage_name)
        return one + ("es" if one.endswith(("s", "x", "ch", "sh")) else "s")
    if type_.name in SCALARS or type_.name in ("List", "Stream", "Record", "Unknown"):
        return stage_name
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type_.name).lower()
