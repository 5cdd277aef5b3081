"""Settings of stages and adapters: the compiler reads their declarations, a run validates them.

Validation is pydantic's, which is imported when settings are first made: no compilation does so.
"""

from __future__ import annotations

import typing
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, dataclass_transform

from kitchen.ir.spec import Setting
from kitchen.runtime.annotations import type_of

if TYPE_CHECKING:
    from pydantic import BaseModel


class Declaration(NamedTuple):
    """What `setting` was told; the default is `...` where there is none."""

    default: Any = ...
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    pattern: str | None = None
    doc: str = ""


def setting(
    *,
    default: Any = ...,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
    pattern: str | None = None,
    doc: str = "",
) -> Any:
    """Declare a setting of a Config: its default, its range, what a text must match.

    `minimum` and `maximum` are within the range, `above` and `below` are just outside.
    """
    return Declaration(default, minimum, maximum, above, below, pattern, doc)


@dataclass_transform(
    eq_default=False, kw_only_default=True, frozen_default=True, field_specifiers=(setting,)
)
class Config:
    """Settings of a stage or an adapter: closed, typed, frozen."""

    def __init__(self, **given: Any) -> None:
        schema: type = type(self)
        vars(self).update(vars(_model(schema)(**given)))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"settings are frozen: `{type(self).__name__}.{name}`")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"settings are frozen: `{type(self).__name__}.{name}`")

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({settings})"


def settings_of(config: type[Config]) -> tuple[Setting, ...]:
    """The settings a Config class declares, as the compiler reads them."""
    return tuple(
        Setting(
            name=name,
            type=type_of(hint),
            required=declared.default is ...,
            default=None if declared.default is ... else declared.default,
            minimum=declared.minimum,
            maximum=declared.maximum,
            above=declared.above,
            below=declared.below,
            choices=_choices(hint),
            doc=declared.doc,
        )
        for name, (hint, declared) in _declarations(config).items()
    )


def _declarations(config: type) -> dict[str, tuple[Any, Declaration]]:
    """The annotation of each setting, and what is declared of it."""
    hints = typing.get_type_hints(config, include_extras=True)
    given = {name: getattr(config, name, ...) for name in hints if not name.startswith("_")}
    return {
        name: (hints[name], value if isinstance(value, Declaration) else Declaration(value))
        for name, value in given.items()
    }


def _choices(hint: Any) -> tuple[Any, ...]:
    """What a `Literal` allows: as a value, as the items of a list, or as the keys of a mapping."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return args
    inner = origin in (Annotated, list, tuple, dict)
    return _choices(args[0]) if inner else ()


@cache
def _model(config: type) -> type[BaseModel]:
    """What validates the settings of a class."""
    from pydantic import ConfigDict, Field, create_model

    fields: dict[str, Any] = {
        name: (
            hint,
            Field(
                declared.default,
                ge=declared.minimum,
                le=declared.maximum,
                gt=declared.above,
                lt=declared.below,
                pattern=declared.pattern,
            ),
        )
        for name, (hint, declared) in _declarations(config).items()
    }
    return create_model(config.__name__, __config__=ConfigDict(extra="forbid"), **fields)
