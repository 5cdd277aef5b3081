"""The interpreter: what programs mean.

A region is prepared once into functions of an environment and then run. A position in a program is
a path of frames, one for each loop and branch around it, so that a run can be entered in its
middle: what is before the position is left out, what is after it runs as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from kitchen.ir.program import Branch, Loop, Map, Op, Region, Stage
from kitchen.ir.spec import StageSpec
from kitchen.runtime.calls import Environment, Pending, clause, prepare_call, results_of
from kitchen.runtime.iteration import PreparedLoop, prepare_map
from kitchen.runtime.overlap import waits_for
from kitchen.runtime.position import DONE, Frame, Position
from kitchen.runtime.world import World

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
                for done in [step for step, future in beside.items() if future.done()]:
                    beside.pop(done).result()
                if not beside:
                    self.leave(ops[index], None, DONE, environment)
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
                return PreparedLoop(op, self)
            case Map():
                return prepare_map(op, self)

    def prepare_region(
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

    def leave(self, op: Op, index: int | None, number: int, environment: Environment) -> None:
        if self.boundary is not None:
            position = (*self.frames, Frame(op.name, number))
            self.boundary(op, index, position, environment)

    # -------------------------------------------------------------------------------- branches

    def _prepare_branch(self, op: Branch) -> Run:
        condition = clause(op, op.condition)
        arms = [self.prepare_region(region) for region in (op.then, op.orelse)]
        results = [results_of(op, region.results) for region in (op.then, op.orelse)]

        def run_branch(environment: Environment, position: Position) -> None:
            arm = position[0].number if position else (0 if condition(environment) else 1)
            self.frames.append(Frame(op.name, arm))
            arms[arm](environment, position[1:])
            self.frames.pop()
            environment.update(zip(op.outputs, results[arm](environment), strict=True))

        return run_branch
