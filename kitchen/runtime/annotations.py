"""The IR type of an annotation, and the class that a type stands for."""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from kitchen.ir import types as ir
from kitchen.ir.types import Kind, Type
from kitchen.runtime.values import Artifact, Handle, Pending, Record, Stream

_SCALARS: Mapping[Any, Type] = {
    int: ir.INT,
    float: ir.FLOAT,
    bool: ir.BOOL,
    str: ir.STR,
    type(None): ir.NONE,
}
_FIELDS = {"int": ir.INT, "float": ir.FLOAT, "bool": ir.BOOL, "str": ir.STR}


def type_of(annotation: Any) -> Type:
    """The IR type of an annotation. Raises TypeError for what no recipe can hold."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if origin is Annotated:
        return type_of(args[0])
    if _is_pending(origin):
        return type_of(args[0])
    if origin in (typing.Union, types.UnionType):
        rest = [arg for arg in args if arg is not type(None)]
        inner = type_of(rest[0])
        for other in rest[1:]:
            inner = ir.join(inner, type_of(other))
        return ir.optional(inner) if len(rest) < len(args) else inner
    if origin is typing.Literal:
        return type_of(type(args[0]))
    if origin in (list, tuple, Sequence):
        return ir.list_of(type_of(args[0]))
    if origin in (dict, Mapping):
        return Type("Record")
    if origin is Stream:
        return ir.stream_of(type_of(args[0]))
    if annotation in (Any, object):
        return ir.UNKNOWN
    if isinstance(annotation, type):
        for base, kind in _KINDS.items():
            if issubclass(annotation, base):
                _CLASSES[annotation.__name__] = annotation
                return Type(annotation.__name__, kind, (), _fields(annotation))
    raise TypeError(f"{annotation!r} is no type a stage can take or give")


def _is_pending(origin: Any) -> bool:
    """Whether it is a Future, too: no annotation has one where its module was not imported."""
    futures = sys.modules.get("concurrent.futures")
    return origin is Pending or (futures is not None and origin is futures.Future)


#: The classes that stages take and give, by the name of their type.
_CLASSES: dict[str, type] = {}


def class_named(name: str) -> type:
    """The class of a record or artifact by the name its type has in a program."""
    return _CLASSES[name]


_KINDS: Mapping[type, Kind] = {
    Record: Kind.SCALAR,
    Artifact: Kind.ARTIFACT,
    Handle: Kind.HANDLE,
}


def _fields(cls: type) -> tuple[tuple[str, Type], ...]:
    written = getattr(cls, "__annotations__", {})
    return tuple((name, _FIELDS[text]) for name, text in written.items() if text in _FIELDS)
