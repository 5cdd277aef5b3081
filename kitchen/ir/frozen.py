"""`@frozen`: `dataclass(frozen=True, slots=True)` that costs little to declare.

`dataclasses` compiles six methods for each class, which was a third of the time of a whole `kitchen
compile`. Here a constructor is compiled when it turns out to be called often, and the other methods
are the same functions for all classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform, overload

T = TypeVar("T")

OFTEN = 100  #: calls of a constructor: to compile it takes as long as these take without


@overload
def frozen(cls: type[T], /) -> type[T]: ...
@overload
def frozen(*, kw_only: bool = False, eq: bool = True) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(
    cls: type[T] | None = None, /, *, kw_only: bool = False, eq: bool = True
) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a class of what is annotated: immutable, slotted, and with `eq` equal by content."""

    def declare(cls: type[T]) -> Any:
        made: Any = dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
        made.__init__ = _first_calls(made)
        made.__setattr__ = _refuse_to_set
        made.__delattr__ = _refuse_to_delete
        own = vars(cls)
        if "__repr__" not in own:
            made.__repr__ = _repr
        if eq and "__eq__" not in own:
            made.__eq__ = _equality(made)
        if eq and own.get("__hash__") is None:
            made.__hash__ = _content_hash(made)
        return made

    return declare if cls is None else declare(cls)


def _first_calls(cls: Any) -> Callable[..., None]:
    """A constructor that leaves its place to a compiled one when it is called often, or wrongly."""
    parts = {part.name: part for part in fields(cls)}
    positional = [name for name, part in parts.items() if not part.kw_only]
    defaults = {name: part.default for name, part in parts.items() if part.default is not MISSING}
    factories: dict[str, Callable[[], Any]] = {
        name: part.default_factory
        for name, part in parts.items()
        if part.default_factory is not MISSING
    }
    calls = 0

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        nonlocal calls
        calls += 1
        given = dict(zip(positional, args, strict=False)) | kwargs
        content = defaults | given
        for name in factories.keys() - given.keys():
            content[name] = factories[name]()
        too_many = len(given) < len(args) + len(kwargs)
        if calls > OFTEN or too_many or content.keys() != parts.keys():
            cls.__init__ = _compiled(cls)
            cls.__init__(self, *args, **kwargs)
            return
        for name, value in content.items():
            object.__setattr__(self, name, value)

    return __init__


def _compiled(cls: Any) -> Any:
    """The constructor that `dataclasses` makes of the same fields."""
    parts = {part.name: part for part in fields(cls)}
    annotations = {name: part.type for name, part in parts.items()}
    about = {"__annotations__": annotations, "__module__": cls.__module__, "__doc__": ""}
    twin: Any = type(cls.__name__, (), about | parts)
    return dataclass(frozen=True, repr=False, eq=False)(twin).__init__


def _content(cls: Any) -> Callable[[Any], Any]:
    names = [part.name for part in fields(cls) if part.compare]
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple(getattr(self, name) for name in names)


def _equality(cls: Any) -> Callable[[Any, Any], bool]:
    content = _content(cls)

    def __eq__(self: Any, other: Any) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return content(self) == content(other)  # type: ignore[no-any-return]

    return __eq__


def _content_hash(cls: Any) -> Callable[[Any], int]:
    content = _content(cls)

    def __hash__(self: Any) -> int:
        return hash(content(self))

    return __hash__


def _repr(self: Any) -> str:
    content = [f"{part.name}={getattr(self, part.name)!r}" for part in fields(self) if part.repr]
    return f"{type(self).__qualname__}({', '.join(content)})"


def _refuse_to_set(self: object, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")
