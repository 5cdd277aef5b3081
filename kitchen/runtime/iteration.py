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
from kitchen.runtime.calls import Call, Environment, clause, prepare_call, results_of
from kitchen.runtime.events import IterationStopped, LoopStarted
from kitchen.runtime.position import DONE, Frame, Position
from kitchen.runtime.values import Stream

if TYPE_CHECKING:
    from kitchen.runtime.interpreter import Interpreter, Run


class PreparedLoop:
    """A loop: its items one after the other, what is carried coming round."""

    def __init__(self, op: Loop, run: Interpreter) -> None:
        assert op.over is not None, "a loop without a bound is refused by the checks"
        self.op, self.run = op, run
        self.variable, self.carried = op.body.params[0], op.body.params[1:]
        self.over, self.carry = clause(op, op.over), results_of(op, op.carry)
        self.most, self.while_, self.until = (
            None if expr is None else clause(op, expr) for expr in (op.max, op.while_, op.until)
        )
        self.results = results_of(op, op.body.results)
        ahead = runs_ahead(op, lambda stage: run.spec_of(stage).effect)
        self.calls = tuple(prepare_call(stage, run.world) for stage in ahead)
        self.whole = run.prepare_region(op.body)
        self.rest = run.prepare_region(op.body, ahead)

    def __call__(self, environment: Environment, position: Position) -> None:
        items = self.over(environment)
        count = len(items) if self.most is None else min(len(items), self.most(environment))
        if not position:
            environment.update(zip(self.carried, self.carry(environment), strict=True))
        inner = position[1:]
        start = position[0].number + (not inner) if position else 0
        self.run.world.emit(LoopStarted(self.op, count, start))
        index = start - 1
        layers = _layers(items, start, count, self.variable, self.calls, environment)
        for index, layer in enumerate(layers, start):
            begun = perf_counter()
            environment.update(layer)
            if self.while_ is not None and not self.while_(environment):
                break
            body = self.rest if isinstance(items, Stream) and not inner else self.whole
            ended = self._iterate(body, index, environment, inner) or index + 1 >= count
            inner = ()
            self.run.world.emit(IterationStopped(self.op, index, perf_counter() - begun))
            if ended:
                break
            self.run.leave(self.op, index, index, environment)
        last = tuple(environment[value] for value in self.carried)
        environment.update(zip(self.op.outputs, last, strict=True))
        if index >= start:
            self.run.leave(self.op, index, DONE, environment)

    def _iterate(self, body: Run, index: int, environment: Environment, position: Position) -> bool:
        """Run the body once; whether `until` is fulfilled by what it made."""
        self.run.frames.append(Frame(self.op.name, index))
        body(environment, position)
        self.run.frames.pop()
        coming = self.results(environment)
        fulfilled = self.until is not None and bool(self.until(environment))
        environment.update(zip(self.carried, coming, strict=True))
        return fulfilled


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
    over = clause(op, op.over)
    most = None if op.max_parallel is None else clause(op, op.max_parallel)
    results = results_of(op, op.body.results)

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
