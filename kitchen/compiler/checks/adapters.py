"""Adapters: that the port and the adapter behind it exist."""

from __future__ import annotations

from collections.abc import Iterator

from kitchen.compiler.checks.places import place
from kitchen.ir.diagnostic import Diagnostic, did_you_mean
from kitchen.ir.program import Binding, Program
from kitchen.ir.source import Span
from kitchen.ir.spec import Registry


def bindings(program: Program, registry: Registry) -> Iterator[Diagnostic]:
    """Report ports and adapters that do not exist."""
    for binding in program.bindings:
        adapters = registry.adapters.get(binding.port)
        if adapters is None:
            yield Diagnostic(
                "K301",
                f"there is no port `{binding.port}`",
                place(_word(binding, binding.port), "unknown port"),
                help=did_you_mean(binding.port, registry.adapters),
            )
        elif binding.adapter not in adapters:
            yield Diagnostic(
                "K302",
                f"the port `{binding.port}` has no adapter `{binding.adapter}`",
                place(_word(binding, binding.adapter), "unknown adapter"),
                help=did_you_mean(binding.adapter, adapters),
            )


def _word(binding: Binding, word: str) -> Span | None:
    """The first place in a binding where a word stands."""
    span = binding.span
    if span is None:
        return None
    at = span.source.text.find(word, span.start, span.end)
    return span if at < 0 else Span(span.source, at, at + len(word))
