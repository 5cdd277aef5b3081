"""Whether a value known now is one that a type or a setting takes, in words if it is not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum, auto
from typing import NamedTuple

from kitchen.ir.diagnostic import closest
from kitchen.ir.spec import Setting
from kitchen.ir.types import BOOL, FLOAT, INT, NONE, STR, Kind, Type, element


class Why(Enum):
    """What is wrong with a value."""

    TYPE = auto()
    RANGE = auto()
    CHOICE = auto()
    INFINITE = auto()


class Misfit(NamedTuple):
    """Why a setting does not take a value: what it takes (after "is"), what it was given instead
    (after "not", and on its own), and the cure.
    """

    why: Why
    wanted: str
    instead: str
    given: str
    help: str | None = None


def fits(value: object, type_: Type) -> bool:
    """Whether plain data may stand where a type is asked for.

    >>> fits(1, FLOAT), fits(True, INT), fits(None, STR)
    (True, False, False)
    """
    if type_.kind is Kind.UNKNOWN:
        return True
    if type_.is_optional:
        return value is None or fits(value, type_.required)
    if type_ == NONE:
        return value is None
    if type_ in (INT, FLOAT):
        wanted = int if type_ == INT else (int, float)
        return isinstance(value, wanted) and not isinstance(value, bool)
    if type_ in (BOOL, STR):
        return isinstance(value, bool if type_ == BOOL else str)
    item = element(type_)
    if item is not None:
        return isinstance(value, list | tuple | range) and all(fits(v, item) for v in value)
    if type_.name == "Record":
        return isinstance(value, Mapping) and all(
            name in value and fits(value[name], field) for name, field in type_.fields
        )
    return False


def misfit(setting: Setting, value: object) -> Misfit | None:
    """Why a setting does not take a value; None where it does."""
    if not fits(value, setting.type):
        help = _other_spelling(setting.type, value)
        return Misfit(Why.TYPE, described(setting.type), shown(value), _called(value), help)
    if not _finite(value):
        help = "leave it out where no limit is meant"
        return Misfit(Why.INFINITE, "a finite number", shown(value), "this is not finite", help)
    if value is None:
        return None
    if setting.choices:
        return _unchosen(setting, value)
    if isinstance(value, int | float) and _outside(setting, value):
        return Misfit(Why.RANGE, _bounds(setting), shown(value), "this is out of range")
    return None


def _unchosen(setting: Setting, value: object) -> Misfit | None:
    """What is none of a setting's choices: the value, an item of a list, a key of a mapping."""
    several = isinstance(value, list | tuple | Mapping)
    for one in value if isinstance(value, list | tuple | Mapping) else (value,):
        if one in setting.choices:
            continue
        names = [_plain(choice) for choice in setting.choices]
        among = ", ".join(f"`{name}`" for name in names)
        meant = closest(_plain(one), names)
        help = None if meant is None else f"did you mean `{meant}`?"
        if not several:
            return Misfit(Why.CHOICE, f"one of {among}", shown(one), "this is none of them", help)
        given = f"{shown(one)} is none of them"
        return Misfit(Why.CHOICE, f"{shown(value)} of {among}", f"of {shown(one)}", given, help)
    return None


def described(type_: Type) -> str:
    """A type in words.

    >>> described(INT), described(Type("Dataset", Kind.ARTIFACT))
    ('a whole number', '`Dataset`')
    """
    wanted = type_.required
    words = {INT: "a whole number", FLOAT: "a number", BOOL: "true or false", STR: "a text"}
    if wanted in words:
        return words[wanted]
    item = element(wanted)
    if item is not None and wanted.kind is Kind.SCALAR:
        several = {INT: "whole numbers", FLOAT: "numbers", STR: "texts"}
        return f"a list of {several.get(item, f'`{item}`')}"
    return "a mapping" if wanted.name == "Record" else f"`{type_}`"


def shown(value: object) -> str:
    """A value as a person wrote it, short.

    >>> shown(True), shown(None), shown([1, 2])
    ('`true`', '`null`', 'a list')
    """
    if isinstance(value, list | tuple | range):
        return "a list"
    if isinstance(value, Mapping):
        return "a mapping"
    text = _plain(value)
    return f"`{text if len(text) <= 40 else text[:37] + '...'}`"


def _called(value: object) -> str:
    """What a value of the wrong type is, as a label has it."""
    match value:
        case None:
            return "nothing stands here"
        case str():
            return "this is a text"
        case bool():
            return "this is true or false"
        case int() | float():
            return "this is a number"
    return f"this is {shown(value)}"


def _plain(value: object) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _other_spelling(type_: Type, value: object) -> str | None:
    """How to write the value so that the type takes it."""
    wanted = type_.required
    if wanted == STR and isinstance(value, int | float):
        return f'write it in quotes: `"{_plain(value)}"`'
    if isinstance(value, str) and _spells(value, wanted):
        return f"write it without quotes: `{value}`"
    if element(wanted) is not None and isinstance(value, str | int | float):
        return f"write a list: `[{_plain(value)}]`"
    return None


def _spells(text: str, type_: Type) -> bool:
    """Whether text that was quoted would have been a value of a type."""
    if type_ == BOOL:
        return text in ("true", "false")
    if type_ not in (INT, FLOAT):
        return False
    try:
        number = float(text)
    except ValueError:
        return False
    return math.isfinite(number) and (type_ == FLOAT or number.is_integer())


def _outside(setting: Setting, value: float) -> bool:
    return (
        (setting.minimum is not None and value < setting.minimum)
        or (setting.maximum is not None and value > setting.maximum)
        or (setting.above is not None and value <= setting.above)
        or (setting.below is not None and value >= setting.below)
    )


def _bounds(setting: Setting) -> str:
    bounds = (
        ("at least", setting.minimum),
        ("above", setting.above),
        ("at most", setting.maximum),
        ("below", setting.below),
    )
    return " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)


def _finite(value: object) -> bool:
    match value:
        case float():
            return math.isfinite(value)
        case list() | tuple():
            return all(map(_finite, value))
        case Mapping():
            return all(map(_finite, value.values()))
    return True
