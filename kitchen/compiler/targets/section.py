"""A recipe's section for a target as its settings, and what is wrong with it where it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from kitchen.ir.deployment import Place, Section
from kitchen.ir.diagnostic import Diagnostic, Label, did_you_mean

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

    Settings = TypeVar("Settings", bound=BaseModel)

#: What each fault of pydantic's is in our words; `{}` are taken from what it knows of the fault.
_MEANT: Mapping[str, str] = {
    "missing": "is needed",
    "literal_error": "is {expected}",
    "string_type": "is a text",
    "string_too_short": "is not empty",
    "string_too_long": "has at most {max_length} characters",
    "bool_type": "is `true` or `false`",
    "int_type": "is a whole number",
    "int_from_float": "is a whole number",
    "greater_than_equal": "is {ge} or more",
    "less_than_equal": "is {le} or less",
    "tuple_type": "is a list",
    "dict_type": "is a mapping",
    "model_type": "is a mapping",
    "too_short": "has at least {min_length} in it",
}


def validated(
    model: type[Settings], section: Section | None, *, code: str, target: str
) -> tuple[Settings | None, tuple[Diagnostic, ...]]:
    """The settings of a section, or everything that keeps it from having any."""
    from pydantic import ValidationError

    if section is None:
        return model(), ()
    try:
        return model.model_validate_json(json.dumps(section.values)), ()
    except ValidationError as cause:
        return None, tuple(_diagnostics(cause.errors(), model, section, code, target))


def _diagnostics(
    errors: list[ErrorDetails], model: type[BaseModel], section: Section, code: str, target: str
) -> Iterator[Diagnostic]:
    told: set[Place] = set()
    for error in errors:
        place = _place(error["loc"], section)
        if place in told:  # of the branches of a union, the first that was meant
            continue
        told.add(place)
        kind, details = error["type"], error.get("ctx", {})
        name = ".".join(map(str, place)) or target
        span, help = section.spans.get(place), None
        if kind == "extra_forbidden":
            span = section.keys.get(place, span)
            text = f"`{name}` is no setting of `{target}`"
            help = did_you_mean(str(place[-1]), model.model_fields if len(place) == 1 else ())
        elif kind == "kitchen":
            text = error["msg"] if not place else f"`{name}`: {error['msg']}"
        else:
            name = f"{name}.{error['loc'][-1]}" if kind == "missing" else name
            said = _MEANT.get(kind, "is something else").format(**details).replace("'", "`")
            text = f"`{name}` {said}"
        label = None if span is None else Label(span)
        yield Diagnostic(code, text, primary=label, help=help)


def _place(location: tuple[int | str, ...], section: Section) -> Place:
    """The way to what is wrong: what pydantic adds for its own types left out."""
    found: list[int | str] = []
    value: Any = section.values
    for part in location:
        if isinstance(value, Mapping) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            continue
        found.append(part)
    return tuple(found)
