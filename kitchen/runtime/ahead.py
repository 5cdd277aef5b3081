"""Work that runs ahead of a loop: its items, and the pure stages that need nothing but them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from kitchen.ir.expr import Value
from kitchen.ir.program import Loop, Stage
from kitchen.ir.spec import Effect
from kitchen.ir.walk import uses
from kitchen.runtime.calls import Call, Environment

#: How many iterations the work ahead may lead by: one being read, one being made.
LEAD = 2


def runs_ahead(loop: Loop, effect_of: Callable[[Stage], Effect]) -> tuple[Stage, ...]:
    """The stages of a loop's body that are pure and read nothing the body changes.

    What they read is the loop variable, values from outside, and each other's outputs.
    """
    variable, carried = loop.body.params[0], set(loop.body.params[1:])
    made = {value for op in loop.body.ops for value in op.outputs}
    ahead: list[Stage] = []
    ready: set[Value] = {variable}
    for op in loop.body.ops:
        if not isinstance(op, Stage) or effect_of(op) is not Effect.PURE:
            continue
        reads = {ref.value for ref in uses(op)}
        if reads & carried or not reads & made <= ready:
            continue
        ahead.append(op)
        ready.update(op.outputs)
    return tuple(ahead)


class Layer(Environment):
    """Values of one iteration in front of those around it."""

    def __init__(self, around: Environment) -> None:
        super().__init__()
        self.around = around

    def __missing__(self, value: Value) -> Any:
        return self.around[value]


def run_ahead(
    items: Iterator[Any], variable: Value, calls: tuple[Call, ...], around: Environment
) -> Iterator[Environment]:
    """The values that each iteration starts with, made by a thread while the one before runs.

    What goes wrong there is raised here, in the iteration it belongs to.
    """

    def make() -> Environment | None:
        item = next(items, items)
        if item is items:
            return None
        layer = Layer(around)
        layer[variable] = item
        for call in calls:
            call(layer)
        return layer

    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        coming: deque[Future[Environment | None]] = deque(pool.submit(make) for _ in range(LEAD))
        try:
            while (layer := coming.popleft().result()) is not None:
                coming.append(pool.submit(make))
                yield layer
        finally:
            for future in coming:
                future.cancel()
