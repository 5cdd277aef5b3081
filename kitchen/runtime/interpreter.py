"""The interpreter: what programs mean.

A region is prepared once into functions of an environment and then run. A position in a program is
a path of frames, one for each loop and branch around it, so that a run can be entered in its
middle: what is before the position is left out, what is after it runs as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from time import perf_counter
from typing import Any, NamedTuple

from kitchen.ir.expr import Expr
from kitchen.ir.program import Branch, Loop, Map, Op, Region, Stage
from kitchen.ir.spec import StageSpec
from kitchen.runtime.ahead import run_ahead, runs_ahead
from kitchen.runtime.calls import (
    Call,
    Environment,
    Pending,
    StageError,
    World,
    prepare_call,
    reader,
)
from kitchen.runtime.events import IterationStopped, LoopStarted
from kitchen.runtime.overlap import waits_for
from kitchen.runtime.values import Stream

#: A frame's number when its op is done; otherwise the last iteration done, or the arm taken.
DONE = -1


class Frame(NamedTuple):
    """One level of a position: an op, and how far it is."""

    op: str
    number: int


Position = tuple[Frame, ...]
Run = Callable[[Environment, Position], None]


@dataclass(slots=True)
class Interpreter:
    """Runs regions. `boundary(op, index, position, environment)` is told of each place a run may
    be left: after an iteration, and after an op of the outermost region (`index` None).
    """

    world: World
    boundary: Callable[[Op, int | None, Position, Environment], None] | None = None
    #: Runs again what a resumed run needs of the ops before its position.
    restore: Callable[[Iterable[Op], Environment], None] | None = None
    frames: list[Frame] = field(default_factory=list)

    def spec_of(self, op: Stage) -> StageSpec:
        return self.world.functions[op.stage].spec

    def run(self, body: Region, environment: Environment, position: Position = ()) -> None:
        """Run an outermost region from a position on. Independent steps run side by side."""
        ops = body.ops
        runs = [self._prepare(op) for op in ops]
        first, inner = self._enter(ops, environment, position)
        waits = waits_for(ops, self.spec_of)
        beside: dict[int, Future[None]] = {}
        with ThreadPoolExecutor(thread_name_prefix="step") as pool:
            for index in range(first, len(ops)):
                for before in sorted(waits[index] & beside.keys()):
                    beside.pop(before).result()
                following = index + 1
                alone = following >= len(ops) or index in waits[following]
                if isinstance(ops[index], Stage) and not alone:
                    beside[index] = pool.submit(runs[index], environment, ())
                    continue
                runs[index](environment, inner if index == first else ())
                if not beside:
                    self._leave(ops[index], None, DONE, environment)
            for future in beside.values():
                future.result()
        self.settle(environment)

    def settle(self, environment: Environment) -> None:
        """Wait for everything still on its way, so that no failure goes unseen."""
        for value, found in list(environment.items()):
            if found.__class__ is Pending:
                environment[value] = found.settle()

    # ------------------------------------------------------------------------------ preparing

    def _prepare(self, op: Op) -> Run:
        match op:
            case Stage():
                call = prepare_call(op, self.world)
                return lambda environment, position: call(environment)
            case Branch():
                return self._prepare_branch(op)
            case Loop():
                return self._prepare_loop(op)
            case Map():
                return self._prepare_map(op)

    def _prepare_region(
        self, region: Region, left_out: tuple[Op, ...] = ()
    ) -> Callable[[Environment, Position], None]:
        names = {op.name for op in left_out}
        runs = [(op, self._prepare(op)) for op in region.ops if op.name not in names]
        plain = [run for _, run in runs]

        def run_region(environment: Environment, position: Position) -> None:
            if not position:
                for run in plain:
                    run(environment, ())
                return
            first, inner = self._enter([op for op, _ in runs], environment, position)
            for index in range(first, len(plain)):
                plain[index](environment, inner if index == first else ())

        return run_region

    def _enter(
        self, ops: Iterable[Op], environment: Environment, position: Position
    ) -> tuple[int, Position]:
        """Where a position enters these ops: the index of the first to run, and the rest of it."""
        ops = list(ops)
        if not position:
            return 0, ()
        index = next(i for i, op in enumerate(ops) if op.name == position[0].op)
        done = position[0].number == DONE
        if self.restore is not None:
            self.restore(ops[: index + done], environment)
        return (index + 1, ()) if done else (index, position)

    def _leave(self, op: Op, index: int | None, number: int, environment: Environment) -> None:
        if self.boundary is not None:
            position = (*self.frames, Frame(op.name, number))
            self.boundary(op, index, position, environment)

    # -------------------------------------------------------------------------------- branches

    def _prepare_branch(self, op: Branch) -> Run:
        condition = reader(op.condition)
        arms = [self._prepare_region(region) for region in (op.then, op.orelse)]
        results = [_results(region.results) for region in (op.then, op.orelse)]

        def run_branch(environment: Environment, position: Position) -> None:
            arm = position[0].number if position else (0 if condition(environment) else 1)
            self.frames.append(Frame(op.name, arm))
            arms[arm](environment, position[1:])
            self.frames.pop()
            environment.update(zip(op.outputs, results[arm](environment), strict=True))

        return run_branch

    # ----------------------------------------------------------------------------------- loops

    def _prepare_loop(self, op: Loop) -> Run:
        assert op.over is not None, "a loop without a bound is refused by the checks"
        over, carry = reader(op.over), _results(op.carry)
        while_ = None if op.while_ is None else reader(op.while_)
        until = None if op.until is None else reader(op.until)
        most = None if op.max is None else reader(op.max)
        variable, carried = op.body.params[0], op.body.params[1:]
        results = _results(op.body.results)
        ahead = runs_ahead(op, lambda stage: self.spec_of(stage).effect)
        calls = tuple(prepare_call(stage, self.world) for stage in ahead)
        whole, rest = self._prepare_region(op.body), self._prepare_region(op.body, ahead)

        def run_loop(environment: Environment, position: Position) -> None:
            items = over(environment)
            count = len(items) if most is None else min(len(items), most(environment))
            if not position:
                environment.update(zip(carried, carry(environment), strict=True))
            inner = position[1:]
            start = position[0].number + (not inner) if position else 0
            self.world.emit(LoopStarted(op, count, start))
            streamed = isinstance(items, Stream)
            body = rest if streamed and not inner else whole
            index = start - 1
            layers = self._layers(items, start, count, variable, calls, environment)
            for index, layer in enumerate(layers, start):
                begun = perf_counter()
                environment.update(layer)
                if while_ is not None and not while_(environment):
                    break
                self.frames.append(Frame(op.name, index))
                body(environment, inner)
                self.frames.pop()
                if inner:
                    inner, body = (), rest if streamed else whole
                coming = results(environment)
                ended = index + 1 >= count or (until is not None and bool(until(environment)))
                environment.update(zip(carried, coming, strict=True))
                self.world.emit(IterationStopped(op, index, perf_counter() - begun))
                if ended:
                    break
                self._leave(op, index, index, environment)
            current = (environment[value] for value in carried)
            environment.update(zip(op.outputs, tuple(current), strict=True))
            if index >= start:
                self._leave(op, index, DONE, environment)

        return run_loop

    def _layers(
        self,
        items: Any,
        start: int,
        count: int,
        variable: Any,
        calls: tuple[Call, ...],
        environment: Environment,
    ) -> Iterator[Environment]:
        """What each iteration starts with: its item, and for a stream what was made ahead."""
        if isinstance(items, Stream):
            stream = islice(items.iterate(start), count - start)
            return run_ahead(stream, variable, calls, environment)
        return ({variable: items[index]} for index in range(start, count))

    # ------------------------------------------------------------------------------------ maps

    def _prepare_map(self, op: Map) -> Run:
        over = reader(op.over)
        most = None if op.max_parallel is None else reader(op.max_parallel)
        results = _results(op.body.results)

        def run_map(environment: Environment, position: Position) -> None:
            items = list(over(environment))
            self.settle(environment)
            self.world.emit(LoopStarted(op, len(items)))

            def run_item(index: int) -> tuple[Any, ...]:
                begun = perf_counter()
                own = dict(environment)
                own[op.body.params[0]] = items[index]
                # A run cannot be left inside an item, so its interpreter tells of no boundary.
                item = Interpreter(self.world)
                item._prepare_region(op.body)(own, ())
                item.settle(own)
                found = results(own)
                self.world.emit(IterationStopped(op, index, perf_counter() - begun))
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


def _results(exprs: tuple[Expr, ...]) -> Callable[[Environment], tuple[Any, ...]]:
    reads = tuple(reader(expr) for expr in exprs)
    return lambda environment: tuple(read(environment) for read in reads)


__all__ = ["DONE", "Frame", "Interpreter", "Position", "StageError"]
