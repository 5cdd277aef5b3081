"""Adapters: that the port and the adapter exist, and that the adapter takes its settings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kitchen.compiler.checks.places import place
from kitchen.ir.diagnostic import Diagnostic, closest, did_you_mean
from kitchen.ir.fit import misfit
from kitchen.ir.program import Binding, Program
from kitchen.ir.source import Span
from kitchen.ir.spec import AdapterSpec, Registry


def bindings(program: Program, registry: Registry) -> Iterator[Diagnostic]:
    """Report ports and adapters that do not exist, and settings that an adapter does not take."""
    for binding in program.bindings:
        adapters = registry.adapters.get(binding.port)
        if adapters is None:
            yield Diagnostic(
                "K301",
                f"there is no port `{binding.port}`",
                place(_word(binding, binding.port), "unknown port"),
                help=_meant(binding.port, registry),
            )
        elif binding.adapter not in adapters:
            yield Diagnostic(
                "K302",
                f"the port `{binding.port}` has no adapter `{binding.adapter}`",
                place(_word(binding, binding.adapter), "unknown adapter"),
                help=did_you_mean(binding.adapter, adapters),
            )
        else:
            yield from _settings(binding, adapters[binding.adapter])


def _meant(port: str, registry: Registry) -> str | None:
    """What was meant by the name of a port; `environment.digits` names a setting of its adapter."""
    known, _, setting = port.partition(".")
    if setting and known in registry.adapters:
        return f"settings stand in the recipe: `{known}: {{use: ..., {setting}: ...}}`"
    return did_you_mean(port, registry.adapters)


def _settings(binding: Binding, spec: AdapterSpec) -> Iterator[Diagnostic]:
    given = dict(binding.config)
    subject = f"the adapter `{spec.name}`"
    meant = {closest(name, [setting.name for setting in spec.config]) for name in given}
    for setting in spec.config:
        if setting.name not in given:
            if setting.required and setting.name not in meant:
                yield Diagnostic(
                    "K304",
                    f"{subject} needs the setting `{setting.name}`",
                    place(_word(binding, binding.adapter), f"`{setting.name}` is not given"),
                    help=f"write `{spec.port}: {{use: {spec.name}, {setting.name}: ...}}`",
                )
            continue
        value = given.pop(setting.name)
        wrong = misfit(setting, value)
        if wrong is not None:
            yield Diagnostic(
                "K305",
                f"`{setting.name}` of {subject} is {wrong.wanted}, not {wrong.instead}",
                place(_key(binding, setting.name), wrong.given),
                help=wrong.help,
            )
    for name in given:
        known = {setting.name for setting in spec.config}
        yield Diagnostic(
            "K303",
            f"{subject} has no setting `{name}`",
            place(_key(binding, name), "unknown setting"),
            help=did_you_mean(name, known) if known else f"{subject} has no settings at all",
        )


def _word(binding: Binding, word: str) -> Span | None:
    """The first place in a binding where a word stands."""
    return _found(binding.span, re.escape(word))


def _key(binding: Binding, key: str) -> Span | None:
    """The key of a setting in a binding, which keeps values without their places."""
    return _found(binding.span, rf"(?<![\w.-]){re.escape(key)}(?=[\"']?\s*:)")


def _found(span: Span | None, pattern: str) -> Span | None:
    if span is None:
        return None
    match = re.compile(pattern).search(span.source.text, span.start, span.end)
    return span if match is None else Span(span.source, *match.span())
