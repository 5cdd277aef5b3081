"""Which adapter stands behind each port, and with which settings."""

from __future__ import annotations

from collections.abc import Mapping

from kitchen.compiler.frontend.data import UNREADABLE, plain_data
from kitchen.compiler.frontend.overrides import ADAPTERS, Override
from kitchen.compiler.frontend.report import Report
from kitchen.compiler.frontend.settings import converted
from kitchen.compiler.frontend.syntax import AdapterBinding, Recipe
from kitchen.ir.program import Binding
from kitchen.ir.spec import Registry
from kitchen.ir.types import UNKNOWN


def bind_adapters(
    recipe: Recipe, registry: Registry, overrides: Mapping[str, Override], report: Report
) -> tuple[Binding, ...]:
    """The bindings of a recipe; `--set adapters.PORT=NAME` puts another adapter behind a port.

    Whether ports, adapters and their settings are what they should be is for the checks.
    """
    bindings = {binding.port.text: _bound(binding, registry, report) for binding in recipe.adapters}
    for name, override in overrides.items():
        if name.startswith(ADAPTERS):
            port = name.removeprefix(ADAPTERS)
            bindings[port] = Binding(port=port, adapter=override.text, span=override.whole)
    return tuple(bindings.values())


def _bound(binding: AdapterBinding, registry: Registry, report: Report) -> Binding:
    """The settings as data; what the adapter declares says how to read a plain scalar."""
    port, adapter = binding.port.text, binding.adapter.text
    spec = registry.adapters.get(port, {}).get(adapter)
    types = {} if spec is None else {setting.name: setting.type for setting in spec.config}
    config = []
    for key, node in binding.config:
        type_ = types.get(key.text, UNKNOWN)
        value = plain_data(node, type_, report)
        if value is not UNREADABLE:
            config.append((key.text, converted(value, type_)))
    return Binding(port=port, adapter=adapter, config=tuple(config), span=binding.span)
