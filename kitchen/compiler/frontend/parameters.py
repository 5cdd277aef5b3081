"""The value of each parameter: from `--set`, from the recipe, or the template's default."""

from __future__ import annotations

from collections.abc import Mapping

from kitchen.compiler.frontend.data import plain_data
from kitchen.compiler.frontend.overrides import ADAPTERS, Override
from kitchen.compiler.frontend.report import Report, fault
from kitchen.compiler.frontend.settings import check_setting, parse_override
from kitchen.compiler.frontend.syntax import Declaration, Node, Recipe, Scalar, Template
from kitchen.ir.diagnostic import Diagnostic, closest, did_you_mean
from kitchen.ir.expr import Value
from kitchen.ir.program import Origin, Parameter
from kitchen.ir.source import Span
from kitchen.ir.types import UNKNOWN

Given = Mapping[str, tuple[Scalar, Node]]


def evaluate_parameters(
    recipe: Recipe, template: Template, overrides: Mapping[str, Override], report: Report
) -> tuple[Parameter, ...]:
    """The parameters of the template with their values, in the order of their declaration."""
    given = {key.text: (key, node) for key, node in recipe.params}
    known = {declaration.setting.name for declaration in template.params}
    places = {key.text: key.span for key, _ in recipe.params}
    places |= {name: override.key_span for name, override in overrides.items()}
    strangers = [name for name in places if name not in known and not name.startswith(ADAPTERS)]
    for name in strangers:
        report(_unknown(name, places[name], template, known))
    meant = {closest(name, known) for name in strangers}
    return tuple(
        _parameter(declaration, given, overrides, recipe, report, meant)
        for declaration in template.params
    )


def _parameter(
    declaration: Declaration,
    given: Given,
    overrides: Mapping[str, Override],
    recipe: Recipe,
    report: Report,
    meant: set[str | None],
) -> Parameter:
    """One parameter; one that was `meant` by a misspelled name is not reported as missing."""
    setting, declared = declaration.setting, declaration.span
    origin, span, value = Origin.DEFAULT, None, setting.default
    faults: list[Diagnostic] = []
    if setting.name in overrides:
        override = overrides[setting.name]
        origin, span = Origin.SET, override.span
        value = parse_override(
            setting, override.source, override.start, faults.append, declared=declared
        )
    elif setting.name in given:
        _, node = given[setting.name]
        origin, span = Origin.RECIPE, node.span
        data = plain_data(node, setting.type, faults.append)
        value = check_setting(setting, data, span, faults.append, declared=declared)
    elif setting.required and setting.name not in meant:
        faults.append(_missing(setting.name, declared, recipe))
    for diagnostic in faults:
        report(diagnostic)
    # A value that was reported is not judged again by what reads it.
    absent = setting.required and origin is Origin.DEFAULT
    type_ = UNKNOWN if faults or absent else setting.type
    return Parameter(
        value=Value(setting.name, 0, type_),
        setting=value,
        origin=origin,
        doc=setting.doc,
        span=span,
        declared=declared,
    )


def _unknown(name: str, at: Span, template: Template, known: set[str]) -> Diagnostic:
    message = f"the workflow `{template.name}` has no parameter `{name}`"
    also: list[tuple[Span | None, str]] = [
        (template.params_span or template.span, "its parameters are declared here")
    ]
    help = did_you_mean(name, known)
    return fault("K150", message, at, "unknown parameter", also=also, help=help)


def _missing(name: str, declared: Span, recipe: Recipe) -> Diagnostic:
    at = recipe.workflow.span
    message = f"the workflow `{recipe.workflow.text}` needs the parameter `{name}`"
    also: list[tuple[Span | None, str]] = [(declared, "declared here, without a default")]
    help = f"add `{name}:` under `params:`, or give `--set {name}=...`"
    return fault("K151", message, at, f"`{name}` is not given", also=also, help=help)
