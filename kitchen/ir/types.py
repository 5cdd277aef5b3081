"""The types of values, and how a value of each can travel between tasks."""

from __future__ import annotations

from enum import StrEnum

from kitchen.ir.frozen import frozen


class Kind(StrEnum):
    """How a value travels: scalars as parameters, artifacts by reference, handles never."""

    SCALAR = "scalar"
    ARTIFACT = "artifact"
    HANDLE = "handle"
    UNKNOWN = "unknown"


@frozen
class Type:
    """A type: its name, what it is made of, and the fields an expression may read."""

    name: str
    kind: Kind = Kind.SCALAR
    args: tuple[Type, ...] = ()
    fields: tuple[tuple[str, Type], ...] = ()

    def field(self, name: str) -> Type | None:
        """The type of a dotted field, or None where there is none."""
        return next((type_ for field, type_ in self.fields if field == name), None)

    @property
    def is_optional(self) -> bool:
        return self.name == "Optional"

    @property
    def required(self) -> Type:
        """This type without `?`."""
        return self.args[0] if self.is_optional else self

    def __str__(self) -> str:
        if self.is_optional:
            return f"{self.args[0]}?"
        if self.args:
            return f"{self.name}[{', '.join(map(str, self.args))}]"
        return self.name


INT = Type("Int")
FLOAT = Type("Float")
BOOL = Type("Bool")
STR = Type("Str")
NONE = Type("None")
UNKNOWN = Type("Unknown", Kind.UNKNOWN)
SCALARS = {type_.name: type_ for type_ in (INT, FLOAT, BOOL, STR)}


def list_of(item: Type) -> Type:
    """A finite list; it travels as its items do."""
    return Type("List", item.kind, (item,))


def stream_of(item: Type) -> Type:
    """A description of a sequence that can be iterated again and entered at any index."""
    return Type("Stream", Kind.HANDLE, (item,))


def optional(type_: Type) -> Type:
    """`T?`: a value that may be absent."""
    if type_.is_optional or type_ in (UNKNOWN, NONE):
        return type_
    return Type("Optional", type_.kind, (type_,))


def record(**fields: Type) -> Type:
    """A record of named fields."""
    kinds = {type_.kind for type_ in fields.values()}
    kind = Kind.HANDLE if Kind.HANDLE in kinds else Kind.SCALAR
    kind = Kind.ARTIFACT if kind is Kind.SCALAR and Kind.ARTIFACT in kinds else kind
    return Type("Record", kind, (), tuple(fields.items()))


def element(type_: Type) -> Type | None:
    """What iterating over a value of this type gives; None if it cannot be iterated."""
    if type_ is UNKNOWN or type_.name == "Unknown":
        return UNKNOWN
    if type_.name in ("List", "Stream"):
        return type_.args[0]
    return None


def accepts(expected: Type, actual: Type) -> bool:
    """Whether a value of type `actual` may stand where `expected` is asked for."""
    if expected == actual or Kind.UNKNOWN in (expected.kind, actual.kind):
        return True
    if expected.is_optional:
        return actual == NONE or accepts(expected.required, actual.required)
    if actual.is_optional or actual == NONE:
        return False
    if expected == FLOAT:
        return actual == INT
    if expected.name == actual.name == "Record":
        given = dict(actual.fields)
        return all(name in given and accepts(want, given[name]) for name, want in expected.fields)
    if expected.name == actual.name and len(expected.args) == len(actual.args) > 0:
        return all(accepts(want, got) for want, got in zip(expected.args, actual.args, strict=True))
    return False


def join(first: Type, second: Type) -> Type:
    """The type of a value that has one type on one path and another on the other."""
    if accepts(first, second):
        return first
    if accepts(second, first):
        return second
    if NONE in (first, second):
        return optional(second if first == NONE else first)
    if first.is_optional or second.is_optional:
        return optional(join(first.required, second.required))
    return UNKNOWN
