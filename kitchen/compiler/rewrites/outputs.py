"""Outputs of loops, maps and branches: which may go, and what goes with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import compress
from typing import TypeVar

from kitchen.compiler.rewrites.facts import content, stands_for
from kitchen.ir.expr import Expr, Value
from kitchen.ir.program import Branch, Loop, Map, Region

T = TypeVar("T")


def narrowed(op: Loop | Map | Branch, wanted: Sequence[bool]) -> Loop | Map | Branch:
    """The op with the wanted ones of its outputs: results shrink, and what a loop carries."""
    if all(wanted):
        return op
    outputs = _kept(op.outputs, wanted)
    match op:
        case Loop(body=body):
            first = len(body.params) - len(op.carry)
            params = body.params[:first] + _kept(body.params[first:], wanted)
            carry = _kept(op.carry, wanted)
            return replace(op, carry=carry, body=_giving(body, wanted, params), outputs=outputs)
        case Map(body=body):
            return replace(op, body=_giving(body, wanted, body.params), outputs=outputs)
        case Branch(then=then, orelse=orelse):
            arms = [_giving(arm, wanted, arm.params) for arm in (then, orelse)]
            return replace(op, then=arms[0], orelse=arms[1], outputs=outputs)


def agreed(op: Branch, by_name: frozenset[str]) -> Iterator[tuple[Value, Expr]]:
    """The outputs of a branch that are the same on either side, with what they are."""
    for output, one, other in zip(op.outputs, op.then.results, op.orelse.results, strict=True):
        if content(one) == content(other) and stands_for(output, one, by_name):
            yield output, one


def _giving(region: Region, wanted: Sequence[bool], params: tuple[Value, ...]) -> Region:
    return Region(params=params, ops=region.ops, results=_kept(region.results, wanted))


def _kept(items: tuple[T, ...], wanted: Sequence[bool]) -> tuple[T, ...]:
    return tuple(compress(items, wanted))
