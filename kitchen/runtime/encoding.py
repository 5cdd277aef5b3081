"""Values as JSON and back, where they are made of scalars alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from kitchen.runtime.values import class_named

PLAIN = (bool, int, float, str, type(None))


def encode(held: Any) -> Any | None:
    """A value as JSON, if it is made of scalars alone; otherwise None."""
    if dataclasses.is_dataclass(held) and not isinstance(held, type):
        fields = {f.name: encode(getattr(held, f.name)) for f in dataclasses.fields(held)}
        if any(value is None for value in fields.values()):
            return None
        return {"type": type(held).__name__, "fields": fields}
    if isinstance(held, PLAIN):
        return {"plain": held}
    if isinstance(held, list | tuple | range):
        items = [encode(item) for item in held]
        return None if any(item is None for item in items) else {"list": items}
    if isinstance(held, Mapping) and all(isinstance(key, str) for key in held):
        entries = {key: encode(item) for key, item in held.items()}
        return None if any(item is None for item in entries.values()) else {"record": entries}
    return None


def decode(encoded: Mapping[str, Any]) -> Any:
    """What `encode` wrote."""
    if "plain" in encoded:
        return encoded["plain"]
    if "list" in encoded:
        return [decode(item) for item in encoded["list"]]
    if "record" in encoded:
        return {key: decode(item) for key, item in encoded["record"].items()}
    fields = {key: decode(item) for key, item in encoded["fields"].items()}
    return class_named(encoded["type"])(**fields)
