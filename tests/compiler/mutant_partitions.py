"""Broken partitions: each leaves out a rule, or takes it too far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from kitchen.compiler.partition import level, opening
from kitchen.compiler.partition.clusters import Clusters, in_order
from kitchen.compiler.partition.fields import read_whole
from kitchen.compiler.partition.handles import Repeats, is_handle
from kitchen.compiler.partition.level import Level
from kitchen.compiler.partition.opening import Opening
from kitchen.ir.expr import Value
from kitchen.ir.program import Op

Patches = tuple[tuple[Any, str, Any], ...]


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _joins_any_neighbour(
    clusters: Clusters, edges: Any, small: set[int], takes: Any, report: Any
) -> None:
    for source, target in edges:
        one, other = clusters.find(source), clusters.find(target)
        if one in small and takes(one) and takes(other):
            clusters.join(one, other)


def _joins_all_alike(clusters: Clusters, graph: Any, alike: Any, report: Any) -> None:
    for node in in_order(graph):
        for other in graph[node]:
            if alike(node, other):
                clusters.join(node, other)


def _any_field(repeats: Repeats, op: Op, read: Iterable[Value]) -> dict[Value, None]:
    whole = set(read_whole(op))
    return {value: None for value in read if is_handle(value) and value not in whole}


def _all_steps(level: Level) -> Iterator[str]:
    return (op.name for op in (*level.program.on_failure.ops, *level.program.finally_.ops))


#: What a law catches on random programs or on the cases.
UNLAWFUL: dict[str, Patches] = {
    "does not join what shares a handle": ((Level, "_join_handles", _nothing),),
    "cuts what needs or gives a handle": (
        (opening, "is_handle", lambda _: False),
        (Repeats, "ties", lambda *_: False),
        (Level, "_close", _nothing),
    ),
    "repeats what is updated": (
        (Repeats, "_passed_on", lambda *_: iter(())),
        (Repeats, "_is_pure_maker", lambda _, op: bool(op.outputs) and op.stage == "open_cell"),
    ),
    "lets fields of what changes travel": ((Repeats, "fields_alone", _any_field),),
    "forgets what ends a branch that stays whole": ((opening, "_ended", _all_steps),),
    "leaves cycles": ((level, "contract_cycles", _nothing),),
    "loses the order of writes": ((level, "order_of", lambda *_: []),),
    "puts endings anywhere": ((Level, "_at_the_end", lambda *_: []),),
    "leaves endings without their handles": ((Level, "_join_endings", _nothing),),
    "joins what is small to any neighbour": ((level, "join_small", _joins_any_neighbour),),
    "joins lines that fork": ((level, "join_lines", _joins_all_alike),),
}

#: What the goldens catch: the same results, in a plan that nobody would draw.
UNWANTED: dict[str, Patches] = {
    "repeats nothing": ((Repeats, "_is_pure_maker", lambda *_: False),),
    "lets no field travel": ((Repeats, "fields_alone", lambda *_: {}),),
    "ends branches from outside": ((opening, "arms_of_endings", lambda *_: {}),),
    "keeps small steps apart": ((level, "join_small", _nothing),),
    "keeps lines apart": ((level, "join_lines", _nothing),),
    "joins whatever the resources": ((Level, "_profile", lambda *_: (None, frozenset(), False)),),
    "cuts nothing": ((Opening, "open", lambda *_: None),),
}


@contextmanager
def mutant(patches: Patches) -> Iterator[None]:
    with ExitStack() as stack:
        for owner, name, new in patches:
            stack.enter_context(patch.object(owner, name, new))
        yield
