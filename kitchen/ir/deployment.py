"""What a recipe says of the engines that it is exported to. It changes nothing that is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from kitchen.ir.frozen import frozen
from kitchen.ir.source import Span

Place = tuple[str | int, ...]  #: keys and indices on the way to a value


@frozen
class Schedule:
    """When an exported workflow runs by itself: five fields of cron, in a time zone."""

    cron: str
    timezone: str = "UTC"
    span: Span | None = field(default=None, compare=False, repr=False)


@frozen
class Section:
    """Settings of one target: plain values as written, and where each of them stands.

    `keys` holds the places of keys by the same ways; `()` is the target's own name.
    """

    values: Mapping[str, object]
    spans: Mapping[Place, Span] = field(default_factory=dict, compare=False, repr=False)
    keys: Mapping[Place, Span] = field(default_factory=dict, compare=False, repr=False)


@frozen
class Deployment:
    """`schedule:` and `targets:` of a recipe."""

    schedule: Schedule | None = None
    sections: Mapping[str, Section] = field(default_factory=dict)


NO_DEPLOYMENT = Deployment()
