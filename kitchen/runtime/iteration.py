"""Loops and maps as functions of an environment."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from time import perf_counter
from typing import TYPE_CHECKING, Any

from kitchen.ir.expr import Value
from kitchen.ir.program import Loop, Map
from kitchen.runtime.ahead import run_ahead, runs_ahead
from kitchen.runtime.calls import Call, Environment, prepare_call, reader, results_of
from kitchen.runtime.events import IterationStopped, LoopStarted
from kitchen.runtime.position import DONE, Frame, Position
from kitchen.runtime.values import Stream

if TYPE_CHECKING:
    from kitchen.runtime.interpreter import Interpreter, Run


def prepare_loop(op: Loop, run: Interpreter) -> Run:
    """A loop: its items one after the other, what is carried coming round."""
    assert op.over is not None, "a loop without a bound is refused by the checks"
    over, carry = reader(op.over), results_of(op.carry)
    while_ = None if op.while_ is None else reader(op.while_)
    until = None if op.until is None else reader(op.until)
    most = None if op.max is None else reader(op.max)
    variable, carried = op.body.params[0], op.body.params[1:]
    results = results_of(op.body.results)
    ahead = runs_ahead(op, lambda stage: run.spec_of(stage).effect)
    calls = tuple(prepare_call(stage, run.world) for stage in ahead)
    whole, rest = run.prepare_region(op.body), run.prepare_region(op.body, ahead)

    def run_loop(environment: Environment, position: Position) -> None:
        items = over(environment)
        count = len(items) if most is None else min(len(items), most(environment))
        if not position:
            environment.update(zip(carried, carry(environment), strict=True))
        inner = position[1:]
        start = position[0].number + (not inner) if position else 0
        run.world.emit(LoopStarted(op, count, start))
        streamed = isinstance(items, Stream)
        body = rest if streamed and not inner else whole
        index = start - 1
        layers = _layers(items, start, count, variable, calls, environment)
        for index, layer in enumerate(layers, start):
            begun = perf_counter()
            environment.update(layer)
            if while_ is not None and not while_(environment):
                break
            run.frames.append(Frame(op.name, index))
            body(environment, inner)
            run.frames.pop()
            if inner:
                inner, body = (), rest if streamed else whole
            coming = results(environment)
            ended = index + 1 >= count or (until is not None and bool(until(environment)))
            environment.update(zip(carried, coming, strict=True))
            run.world.emit(IterationStopped(op, index, perf_counter() - begun))
            if ended:
                break
            run.leave(op, index, index, environment)
        current = (environment[value] for value in carried)
        environment.update(zip(op.outputs, tuple(current), strict=True))
        if index >= start:
            run.leave(op, index, DONE, environment)

    return run_loop


def _layers(
    items: Any,
    start: int,
    count: int,
    variable: Value,
    calls: tuple[Call, ...],
    environment: Environment,
) -> Iterator[Environment]:
    """What each iteration starts with: its item, and for a stream what was made ahead."""
    if isinstance(items, Stream):
        stream = islice(items.iterate(start), count - start)
        return run_ahead(stream, variable, calls, environment)
    return ({variable: items[index]} for index in range(start, count))


def prepare_map(op: Map, run: Interpreter) -> Run:
    """A map: its items side by side, each in an environment of its own."""
    over = reader(op.over)
    most = None if op.max_parallel is None else reader(op.max_parallel)
    results = results_of(op.body.results)

    def run_map(environment: Environment, position: Position) -> None:
        items = list(over(environment))
        run.settle(environment)
        run.world.emit(LoopStarted(op, len(items)))

        def run_item(index: int) -> tuple[Any, ...]:
            begun = perf_counter()
            own = dict(environment)
            own[op.body.params[0]] = items[index]
            # A run cannot be left inside an item, so its interpreter tells of no boundary.
            item = type(run)(run.world)
            item.prepare_region(op.body)(own, ())
            item.settle(own)
            found = results(own)
            run.world.emit(IterationStopped(op, index, perf_counter() - begun))
            return found

        workers = most(environment) if most is not None else None
        with ThreadPoolExecutor(workers, thread_name_prefix="map") as pool:
            futures = [pool.submit(run_item, index) for index in range(len(items))]
            try:
                rows = [future.result() for future in futures]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        columns = zip(*rows, strict=True) if rows else ((),) * len(op.outputs)
        environment.update(zip(op.outputs, map(list, columns), strict=True))

    return run_map
