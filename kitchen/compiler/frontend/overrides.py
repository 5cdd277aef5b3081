"""What `--set` gives, as sources that diagnostics can point into."""

from __future__ import annotations

from collections.abc import Mapping

from kitchen.ir.frozen import frozen
from kitchen.ir.source import Source, Span

ADAPTERS = "adapters."


@frozen
class Override:
    """One `--set name=text`; `start` is where the text begins in its source."""

    name: str
    text: str
    source: Source

    @property
    def start(self) -> int:
        return len(self.name) + 1

    @property
    def key_span(self) -> Span:
        return Span(self.source, 0, len(self.name))

    @property
    def whole(self) -> Span:
        return Span(self.source, 0, len(self.source.text))

    @property
    def span(self) -> Span:
        return Span(self.source, self.start, len(self.source.text))


def overrides_of(given: Mapping[str, str]) -> dict[str, Override]:
    """Each `--set` by the name it sets."""
    return {
        name: Override(name, text, Source("--set", f"{name}={text}"))
        for name, text in given.items()
    }
