"""What a guard proves: inside `when: x != None`, `x` is there."""

from __future__ import annotations

from kitchen.compiler.build.scope import Scope
from kitchen.compiler.frontend.narrowing import present_if
from kitchen.ir.expr import Apply, Expr, Ref


def present(condition: Expr, outcome: bool, scope: Scope) -> dict[str, Expr]:
    """Names of optional values that are there where a condition came out so, as what they are."""
    shown: dict[str, Expr] = {}
    for read in present_if(condition, outcome):
        if not isinstance(read, Ref) or not read.type.is_optional:
            continue
        name = read.value.name.rpartition("/")[2]
        if scope.lookup(name) == read:
            shown[name] = Apply("required", (Ref(read.value),), read.type.required, read.span)
    return shown
