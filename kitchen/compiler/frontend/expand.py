"""A recipe with the template it names: parameters evaluated, inner templates attached."""

from __future__ import annotations

from collections.abc import Mapping

from kitchen.compiler.frontend.bindings import bind_adapters
from kitchen.compiler.frontend.overrides import Override, overrides_of
from kitchen.compiler.frontend.parameters import evaluate_parameters
from kitchen.compiler.frontend.syntax import Recipe, Template
from kitchen.compiler.frontend.templates import Templates
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.frozen import frozen
from kitchen.ir.program import Binding, Parameter
from kitchen.ir.spec import Registry

__all__ = ["Expanded", "Override", "expand"]


@frozen(kw_only=True)
class Expanded:
    """A recipe and its template, joined."""

    recipe: Recipe
    template: Template
    parameters: tuple[Parameter, ...]
    bindings: tuple[Binding, ...]


def expand(
    recipe: Recipe, registry: Registry, overrides: Mapping[str, str]
) -> tuple[Expanded | None, tuple[Diagnostic, ...]]:
    """Join a recipe with the template it names; `overrides` are the texts given by `--set`.

    A parameter has the value of `--set`, else of the recipe, else of the template's default.
    `adapters.PORT` in `overrides` names another adapter for a port.
    """
    diagnostics: list[Diagnostic] = []
    report = diagnostics.append
    given = overrides_of(overrides)
    template = Templates(registry, report).find(recipe.workflow)
    bindings = bind_adapters(recipe, registry, given, report)
    if template is None:
        return None, tuple(diagnostics)
    parameters = evaluate_parameters(recipe, template, given, report)
    expanded = Expanded(recipe=recipe, template=template, parameters=parameters, bindings=bindings)
    return expanded, tuple(diagnostics)
