"""Loops and maps: what is carried round, and what comes back as a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitchen.compiler.build.defines import defines
from kitchen.compiler.build.scope import Scope
from kitchen.compiler.frontend.syntax import LoopStep, MapStep
from kitchen.ir.diagnostic import Diagnostic, Label
from kitchen.ir.expr import Apply, Expr, Ref, Value
from kitchen.ir.program import Loop, Map, Op, Region, Stage
from kitchen.ir.types import INT, UNKNOWN, Type, accepts, element, list_of
from kitchen.ir.walk import walk

if TYPE_CHECKING:
    from kitchen.compiler.build.steps import Builder


def build_loop(step: LoopStep, scope: Scope, build: Builder) -> Loop:
    """A loop. Names from outside that its body gives a new value are carried round.

    `while:` or `until:` with `max: n` is a loop over `range(n)` that may end sooner.
    """
    over, max_ = build.optional(step.over, scope), build.optional(step.max, scope)
    if over is None and max_ is not None:
        over, max_ = Apply("range", (max_,), list_of(INT), max_.span), None
    op_name = build.op_name(step.variable.text)
    checkpoint = build.optional(step.checkpoint, scope)
    inner = Scope(scope)
    variable = () if over is None else (_variable(step, over, inner, build),)
    carried = _carried(step, scope, build)
    carry = tuple(_start(name, step, scope) for name in carried)
    params = _enter(step, carried, carry, inner, build)
    told = {param for param in params if param in build.names.consumed}  #: where it is read
    while_ = build.optional(step.while_, inner)
    ops = build.steps(step.steps, inner)
    until = build.optional(step.until, inner)
    results = tuple(inner.names[name] for name in carried)
    for name, param, result in zip(carried, params, results, strict=True):
        _check_carried(name, param, result, build)
        _check_comes_round_fresh(name, param, result, () if param in told else ops, build)
    outputs = tuple(
        build.define(name, param.type, step.variable.span, scope)
        for name, param in zip(carried, params, strict=True)
    )
    build.names.follow(outputs, results, build.names.consumed)
    return Loop(
        name=op_name,
        over=over,
        while_=while_,
        until=until,
        max=max_,
        checkpoint=checkpoint,
        carry=carry,
        body=Region(params=variable + params, ops=ops, results=results),
        outputs=outputs,
        span=step.variable.span,
    )


def build_map(step: MapStep, scope: Scope, build: Builder) -> Map:
    """A map. Every name its body defines comes back as a list."""
    over = build.expression(step.over, scope)
    max_parallel = build.optional(step.max_parallel, scope)
    op_name = build.op_name(step.variable.text)
    inner = Scope(scope)
    item = _variable(step, over, inner, build)
    ops = build.steps(step.steps, inner)
    made = {name: expr for name, expr in inner.names.items() if name != step.variable.text}
    outputs = tuple(
        build.define(name, list_of(expr.type), step.variable.span, scope)
        for name, expr in made.items()
    )
    return Map(
        name=op_name,
        over=over,
        max_parallel=max_parallel,
        body=Region(params=(item,), ops=ops, results=tuple(made.values())),
        outputs=outputs,
        span=step.variable.span,
    )


def _carried(step: LoopStep, scope: Scope, build: Builder) -> list[str]:
    """The names from outside that the body gives a new value, in order of first writing."""
    written = dict.fromkeys(name for name, _ in defines(step.steps, build.registry))
    return [
        name for name in written if name != step.variable.text and scope.lookup(name) is not None
    ]


def _start(name: str, step: LoopStep, scope: Scope) -> Expr:
    """What a carried name stands for before the loop; the body may never read that."""
    found = scope.lookup(name)
    assert found is not None
    return Ref(found.value, step.variable.span) if isinstance(found, Ref) else found


def _enter(
    step: LoopStep, carried: list[str], carry: tuple[Expr, ...], inner: Scope, build: Builder
) -> tuple[Value, ...]:
    """The carried values as the body sees them; the loop takes over the handles among them."""
    span = step.variable.span
    params = []
    for name, initial in zip(carried, carry, strict=True):
        value = build.names.new(build.prefix + name, initial.type)
        inner.names[name] = Ref(value, span)
        params.append(value)
    build.names.follow(params, carry, build.names.consumed)
    for initial in carry:
        if isinstance(initial, Ref) and initial.value not in build.names.consumed:
            build.names.consume(initial.value, span)
    return tuple(params)


def _check_carried(name: str, param: Value, result: Expr, build: Builder) -> None:
    if not accepts(param.type, result.type):
        assert result.span is not None
        build.names.report(
            Diagnostic(
                "K210",
                f"`{name}` enters the loop as `{param.type}` and comes round as `{result.type}`",
                Label(result.span, f"this is `{result.type}`"),
                (),
                "give the new value another name, or make both the same type",
            )
        )


def _check_comes_round_fresh(
    name: str, param: Value, result: Expr, ops: tuple[Op, ...], build: Builder
) -> None:
    """Report a handle that the next iteration reads though this one left it out of date."""
    if not isinstance(result, Ref) or result.value not in build.names.consumed:
        return
    stages = (op for op in walk(Region(ops=ops)) if isinstance(op, Stage))
    given = (expr for stage in stages for _, expr in stage.inputs)
    read = next((expr for expr in given if isinstance(expr, Ref) and expr.value == param), None)
    if read is not None and read.span is not None:
        build.names.stale(name, result.value, read.span)


def _variable(step: LoopStep | MapStep, over: Expr, inner: Scope, build: Builder) -> Value:
    item = _item(step, over, build)
    return build.define(step.variable.text, item, step.variable.span, inner)


def _item(step: LoopStep | MapStep, over: Expr, build: Builder) -> Type:
    item = element(over.type)
    if item is not None:
        return item
    assert step.over is not None
    build.names.report(
        Diagnostic(
            "K211",
            f"`{step.over.text}` is `{over.type}`, which has no items to go over",
            Label(step.over.span, f"this is `{over.type}`"),
            (),
            "`over:` takes a range, a list or a stream: `range(3)` counts 0, 1, 2",
        )
    )
    return UNKNOWN
