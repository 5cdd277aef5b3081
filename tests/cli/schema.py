"""As much of JSON Schema (draft 2020-12) as kitchen's own schemas use."""

from __future__ import annotations

import re
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_KNOWN = {
    "$schema", "$defs", "$ref", "title", "description", "default", "type", "properties",
    "required", "additionalProperties", "items", "enum", "const", "anyOf", "oneOf", "allOf",
    "if", "then", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
}  # fmt: skip


def faults(value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None) -> list[str]:
    """What is wrong with a value; an unknown keyword in a schema is a mistake of the schema's."""
    root = root or schema
    assert schema.keys() <= _KNOWN, schema.keys() - _KNOWN
    if "$ref" in schema:
        return faults(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    found = [*_own_faults(value, schema)]
    if isinstance(value, dict):
        found += _object_faults(value, schema, root)
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            found += [f"[{number}]{fault}" for fault in faults(item, schema["items"], root)]
    return found + _combined_faults(value, schema, root)


def _own_faults(value: Any, schema: dict[str, Any]) -> list[str]:
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    fits = [isinstance(value, _TYPES[kind]) and _exact(value, kind) for kind in kinds]
    checks = {
        f" is no {kinds}": not kinds or any(fits),
        " is no choice": "enum" not in schema or value in schema["enum"],
        " is another constant": "const" not in schema or value == schema["const"],
    }
    if isinstance(value, str) and "pattern" in schema:
        checks[f" does not match {schema['pattern']}"] = bool(re.search(schema["pattern"], value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        checks[" is too small"] = value >= schema.get("minimum", value)
        checks[" is too large"] = value <= schema.get("maximum", value)
        checks[" is not above"] = value > schema.get("exclusiveMinimum", value - 1)
        checks[" is not below"] = value < schema.get("exclusiveMaximum", value + 1)
    return [f": {value!r}{fault}" for fault, holds in checks.items() if not holds]


def _exact(value: Any, kind: str) -> bool:
    return not isinstance(value, bool) or kind == "boolean"


def _object_faults(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> list[str]:
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    found = [f": no {name}" for name in schema.get("required", ()) if name not in value]
    for name, part in value.items():
        if name in properties:
            found += [f".{name}{fault}" for fault in faults(part, properties[name], root)]
        elif others is False:
            found.append(f".{name} is unknown")
        elif isinstance(others, dict):
            found += [f".{name}{fault}" for fault in faults(part, others, root)]
    return found


def _combined_faults(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for part in schema.get("allOf", ()):
        found += faults(value, part, root)
    for keyword, allowed in (("anyOf", range(1, 10_000)), ("oneOf", range(1, 2))):
        if keyword in schema:
            attempts = [faults(value, part, root) for part in schema[keyword]]
            if sum(not attempt for attempt in attempts) not in allowed:
                found.append(f": fits not one of {keyword}: {min(attempts, key=len)}")
    if "if" in schema and not faults(value, schema["if"], root):
        found += faults(value, schema["then"], root)
    return found
