"""JSON taken apart: every part is of the type it must be, or the fault is named."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")

_FLOATS = {name: float(name) for name in ("inf", "-inf", "nan")}


class FormatError(ValueError):
    """JSON that is no program of this version; the message says what is wrong with it."""


class Object:
    """A JSON object being read; keys are asked for by the type they must hold."""

    __slots__ = ("data", "what")

    def __init__(self, data: object, what: str) -> None:
        self.data: dict[str, Any] = of(dict, data, what)
        self.what = what

    def get(self, key: str, kind: type[T]) -> T:
        if key not in self.data:
            raise FormatError(f"{self.what} has no `{key}`")
        return of(kind, self.data[key], f"`{key}` of {self.what}")

    def maybe(self, key: str, kind: type[T]) -> T | None:
        return self.get(key, kind) if self.data.get(key) is not None else None

    def items(self, key: str) -> list[Any]:
        return self.get(key, list) if key in self.data else []

    def number(self, key: str) -> float | None:
        found = self.data.get(key)
        return None if found is None else number(found, f"`{key}` of {self.what}")


def of(kind: type[T], data: object, what: str) -> T:
    # A bool is an int to Python, and is none here.
    if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
        raise FormatError(f"{what} is {shown(data)}, not {kind.__name__}")
    return data


def number(data: object, what: str) -> float:
    if isinstance(data, bool) or not isinstance(data, (int, float)):
        raise FormatError(f"{what} is {shown(data)}, not a number")
    return data


def shown(data: object) -> str:
    text = repr(data)
    return text if len(text) <= 60 else f"{text[:57]}..."


def pair(data: object, what: str) -> tuple[str, Any]:
    match data:
        case [str() as name, value]:
            return name, value
    raise FormatError(f"{what} has {shown(data)} where a name and a value belong")


def constant_from_json(data: object) -> object:
    """A constant as `constant_to_json` wrote it."""
    match data:
        case list():
            return [constant_from_json(item) for item in data]
        case {"record": list(pairs), **rest} if not rest:
            named = (pair(entry, "a record") for entry in pairs)
            return {name: constant_from_json(value) for name, value in named}
        case {"float": str(name), **rest} if name in _FLOATS and not rest:
            return _FLOATS[name]
        case None | bool() | int() | float() | str():
            return data
    raise FormatError(f"{shown(data)} is no constant")
