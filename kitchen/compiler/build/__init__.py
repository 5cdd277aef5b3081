"""Steps to a program: every name becomes the value it stands for, once."""

from __future__ import annotations

from collections.abc import Iterable

from kitchen.compiler.build.defines import defines
from kitchen.compiler.build.inline import unread_parameters
from kitchen.compiler.build.scope import Names, Scope
from kitchen.compiler.build.steps import Builder
from kitchen.compiler.frontend.expand import Expanded
from kitchen.compiler.frontend.syntax import Step
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.expr import Expr, Ref, Value
from kitchen.ir.program import Op, Program, Region
from kitchen.ir.spec import Registry
from kitchen.ir.types import STR, Kind, Type

#: What `on_failure` may read of the failure: the step that failed, and what it said.
FAILURE = Type("Failure", Kind.SCALAR, (), (("stage", STR), ("message", STR)))


def build(expanded: Expanded, registry: Registry) -> tuple[Program, tuple[Diagnostic, ...]]:
    """The program a recipe and its template spell, and the names in it that stand for nothing.

    Build never stops: an unknown name becomes a value of type Unknown, which accepts and is
    accepted by everything, so that one mistake gives one message.
    """
    found: list[Diagnostic] = []
    names = Names(found.append)
    template = expanded.template
    for steps in (template.steps, template.finally_, template.on_failure):
        for name, span in defines(steps, registry):
            names.expected.setdefault(name, span)
    builder = Builder(names, registry)
    root = Scope(names={p.value.name: Ref(p.value, p.declared) for p in expanded.parameters})
    names.versions.update(dict.fromkeys(root.names, 0))
    body = Region(ops=builder.steps(template.steps, root))
    builder.finally_.append((builder, template.finally_, root))
    builder.on_failure.append((builder, template.on_failure, root))
    parameters = {p.value for p in expanded.parameters}
    program = Program(
        name=expanded.recipe.name,
        workflow=template.name,
        params=expanded.parameters,
        body=body,
        on_failure=_ending(builder.on_failure, parameters, failure=True),
        finally_=_ending(builder.finally_, parameters, failure=False),
        bindings=expanded.bindings,
        span=expanded.recipe.span,
    )
    return program, (*found, *names.missed.values(), *unread_parameters(names))


def _ending(
    endings: Iterable[tuple[Builder, tuple[Step, ...], Scope]],
    parameters: set[Value],
    *,
    failure: bool,
) -> Region:
    """A region that runs at the end. What it reads of the body, it reads by name."""
    params: dict[str, Value] = {}
    ops: list[Op] = []
    for builder, steps, root in endings:

        def import_(name: str, root: Scope = root, builder: Builder = builder) -> Expr | None:
            if failure and name == "failure":
                found: Expr = Ref(Value("failure", 0, FAILURE))
            else:
                found_or_none = root.lookup(name)
                if found_or_none is None:
                    return None
                found = found_or_none
            if not isinstance(found, Ref) or found.value in parameters:
                return found
            full = found.value.name
            if full not in params:
                params[full] = builder.names.new(full, found.type)
            return Ref(params[full], found.span)

        scope = Scope(import_=import_)
        builder.names.consumed = {}  # a handle may be let go of whatever became of it
        ops.extend(builder.steps(steps, scope))
    return Region(params=tuple(params.values()), ops=tuple(ops))


__all__ = ["FAILURE", "build"]
