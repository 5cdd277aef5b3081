"""The compiler, top to bottom: parse, expand, build, check, rewrite, check what is left.

Start here. Each step is a function of the one before; none of them runs anything.
"""

from __future__ import annotations

from collections.abc import Mapping

from kitchen.compiler.build import build
from kitchen.compiler.checks import CHECKS, LIVE_CHECKS, UNUSED_CHECKS
from kitchen.compiler.frontend.expand import expand
from kitchen.compiler.frontend.parse import parse_recipe
from kitchen.compiler.frontend.parse_deployment import unknown_targets
from kitchen.compiler.frontend.reader import paused_collection
from kitchen.compiler.rewrites import REWRITES
from kitchen.compiler.targets import TARGETS
from kitchen.ir.deployment import NO_DEPLOYMENT, Deployment
from kitchen.ir.diagnostic import Diagnostic, Severity, demand
from kitchen.ir.frozen import frozen
from kitchen.ir.program import Program
from kitchen.ir.source import Source
from kitchen.ir.spec import Registry


@frozen(kw_only=True)
class Compiled:
    """A program ready to run, the one it was made from, and the warnings on the way.

    `deployment` is what the recipe says of engines; nothing that is computed follows from it.
    """

    program: Program
    original: Program
    deployment: Deployment = NO_DEPLOYMENT
    diagnostics: tuple[Diagnostic, ...] = ()


@paused_collection()  # a program only grows
def compile_recipe(
    source: Source,
    registry: Registry,
    *,
    overrides: Mapping[str, str] | None = None,
    after: str | None = None,
) -> Compiled:
    """Turn one recipe into a program that can run.

    `overrides` are `--set` values by name. `after` stops behind the rewrite of that name, before
    the checks of what is left. Raises CompileError with every fault found.
    """
    recipe, found = parse_recipe(source)
    if recipe is None:
        demand(found)
        raise AssertionError("a document without a recipe has a diagnostic")
    found += tuple(unknown_targets(recipe.deployment, TARGETS))
    expanded, more = expand(recipe, registry, overrides or {})
    found += more
    if expanded is None:
        demand(found)
        raise AssertionError("a recipe that cannot be expanded has a diagnostic")
    original, more = build(expanded, registry)
    found += more
    found += tuple(fault for check in CHECKS for fault in check(original, registry))
    program = original
    for rewrite in REWRITES:
        program = rewrite(program, registry)
        if rewrite.__name__ == after:
            return Compiled(program=program, original=original, diagnostics=demand(found))
    live = LIVE_CHECKS + (UNUSED_CHECKS if _all_bound(found) else ())
    found += tuple(fault for check in live for fault in check(program, registry, original))
    return Compiled(
        program=program,
        original=original,
        deployment=recipe.deployment,
        diagnostics=demand(found),
    )


def _all_bound(found: tuple[Diagnostic, ...]) -> bool:
    """Whether every name and input has what was meant, so that what nothing uses is known."""
    errors = (fault for fault in found if fault.severity is Severity.ERROR)
    return not any(fault.code.startswith(("K0", "K1", "K20")) for fault in errors)
