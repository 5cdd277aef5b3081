"""Which adapter stands behind each port, with its settings checked against its declaration."""

from __future__ import annotations

from collections.abc import Mapping

from kitchen.compiler.frontend.data import UNREADABLE, plain_data
from kitchen.compiler.frontend.overrides import ADAPTERS, Override
from kitchen.compiler.frontend.report import Report, fault
from kitchen.compiler.frontend.settings import check_setting
from kitchen.compiler.frontend.syntax import AdapterBinding, Recipe, Scalar
from kitchen.ir.diagnostic import did_you_mean
from kitchen.ir.program import Binding
from kitchen.ir.spec import AdapterSpec, Registry


def bind_adapters(
    recipe: Recipe, registry: Registry, overrides: Mapping[str, Override], report: Report
) -> tuple[Binding, ...]:
    """The bindings of a recipe; `--set adapters.PORT=NAME` puts another adapter behind a port.

    Whether port and adapter exist is for the checks; here the settings of those that do are read.
    """
    replaced = {
        name.removeprefix(ADAPTERS): override
        for name, override in overrides.items()
        if name.startswith(ADAPTERS)
    }
    bindings = {
        binding.port.text: _bound(binding, registry, report)
        for binding in recipe.adapters
        if binding.port.text not in replaced
    }
    for port, override in replaced.items():
        name = Scalar(override.text, True, override.span)
        key = Scalar(port, True, override.key_span)
        written = AdapterBinding(port=key, adapter=name, span=override.span)
        bindings[port] = _bound(written, registry, report)
    return tuple(bindings.values())


def _bound(binding: AdapterBinding, registry: Registry, report: Report) -> Binding:
    port, adapter = binding.port.text, binding.adapter.text
    spec = registry.adapters.get(port, {}).get(adapter)
    config = _settings(binding, spec, report)
    return Binding(port=port, adapter=adapter, config=config, span=binding.span)


def _settings(
    binding: AdapterBinding, spec: AdapterSpec | None, report: Report
) -> tuple[tuple[str, object], ...]:
    declared = {} if spec is None else {setting.name: setting for setting in spec.config}
    adapter, config = binding.adapter.text, []
    for key, node in binding.config:
        setting = declared.get(key.text)
        value = plain_data(node, None if setting is None else setting.type, report)
        if setting is not None:
            value = check_setting(setting, value, node.span, report)
        elif spec is not None:
            message = f"the adapter `{adapter}` has no setting `{key.text}`"
            help = did_you_mean(key.text, declared)
            report(fault("K155", message, key.span, "unknown setting", help=help))
        if value is not UNREADABLE:
            config.append((key.text, value))
    given = {key.text for key, _ in binding.config}
    for setting in declared.values():
        if setting.required and setting.name not in given:
            message = f"the adapter `{adapter}` needs the setting `{setting.name}`"
            help = f"write `{binding.port.text}: {{use: {adapter}, {setting.name}: ...}}`"
            report(fault("K156", message, binding.span, "not given here", help=help))
    return tuple(config)
