"""One task at one place: what it is given, its region, its endings, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kitchen.ir.expr import EvaluationError, Expr, Value, evaluate
from kitchen.ir.places import Place
from kitchen.ir.program import Branch, Program, Stage
from kitchen.ir.serde.plan import Plan
from kitchen.ir.task_graph import Runs, Task
from kitchen.runtime import plugins, store
from kitchen.runtime.adapter import Adapter
from kitchen.runtime.calls import Environment, StageError, look
from kitchen.runtime.events import Listener
from kitchen.runtime.ports import Workspace
from kitchen.runtime.runner import Runner
from kitchen.runtime.signals import StopRequest
from kitchen.runtime.stage import StageFunction
from kitchen.runtime.tasks.layout import Layout, Located
from kitchen.runtime.tasks.outcomes import Failed, Missing, Outcomes
from kitchen.runtime.tasks.stages import bindings_of
from kitchen.runtime.tasks.state import first_failure
from kitchen.runtime.tasks.values import Values

DONE, STOPPED, NOT_TO_BE_RUN = "done", "stopped", "not to be run"


@dataclass(slots=True, kw_only=True)
class Instances:
    """Runs the tasks of one plan in the folder of one run, each when it is asked to."""

    plan: Plan
    run: Path
    base: Path
    cache: Path
    functions: Mapping[str, StageFunction] = field(default_factory=lambda: plugins.functions())
    adapters: Mapping[str, Mapping[str, Adapter]] = field(
        default_factory=lambda: plugins.adapters()
    )
    layout: Layout = field(init=False)
    outcomes: Outcomes = field(init=False)
    values: Values = field(init=False)

    def __post_init__(self) -> None:
        self.layout = Layout(self.plan.graph)
        self.outcomes = Outcomes(self.run)
        self.values = Values(self.plan, self.layout, self.outcomes, self.functions)

    def go(
        self,
        found: Located,
        place: Place,
        *,
        listeners: tuple[Listener, ...] = (),
        stop: StopRequest | None = None,
        report: Callable[[str], None] = lambda message: None,
    ) -> str:
        """Run a task at a place, or go on with it; gives `DONE`, `STOPPED` or `NOT_TO_BE_RUN`.

        What is committed is not run again. Raises TaskError, and whatever a `Runner` raises.
        """
        task = found.node
        assert isinstance(task, Task)
        failure = None if task.runs is Runs.READY else first_failure(self.values)
        if self._is_done(task, place, failure):
            return DONE
        if self.values.refusal(found, place) or (task.runs is Runs.FAILED and failure is None):
            return NOT_TO_BE_RUN
        directory = self.outcomes.directory(task.name, place)
        store.make_folder(directory.path)
        with directory.lock():
            if self._is_done(task, place, failure):  # by who had the lock before
                return DONE
            self.outcomes.try_again(task.name, place)
            try:
                runner = self._runner(found, task, place, failure)
                runner.listeners, runner.report = listeners, report
                runner.stop = stop or runner.stop
                return runner.run_locked(resume=directory.status() is not None)
            except Exception as error:
                self._fail(task, place, error)
                raise

    def _runner(self, found: Located, task: Task, place: Place, failure: Failed | None) -> Runner:
        return Runner(
            program=self._program(task),
            directory=self.outcomes.directory(task.name, place),
            workspace=self._workspace(found, place),
            functions=self.functions,
            adapters=self.adapters,
            given=self._given(task, place),
            conclude=lambda environment: self._outputs(task, environment),
            keep=lambda made: self.outcomes.commit(task.name, place, made, failure),
            failure=None if failure is None else _as_error(failure),
        )

    def _fail(self, task: Task, place: Place, error: Exception) -> None:
        """Leave word of a failure, for the endings. A full disk may take that, too."""
        match error:
            case StageError(op=op, cause=cause):
                failed = Failed(op.name, str(cause))
            case _:
                failed = Failed(task.name, str(error))
        with suppress(store.StorageError):
            self.outcomes.fail(task.name, place, failed)

    def _is_done(self, task: Task, place: Place, failure: Failed | None) -> bool:
        """Whether an outcome is there. An ending for another failure than now is taken away."""
        if not self.outcomes.is_done(task.name, place):
            return False
        if task.runs is Runs.READY or self.outcomes.failure_behind(task.name, place) == failure:
            return True
        self.outcomes.forget(task.name, place)
        return False

    # ------------------------------------------------------------------------- what it is given

    def _program(self, task: Task) -> Program:
        """A task as a program of its own, with the adapters that its stages use."""
        whole = self.plan.program
        bindings = bindings_of(task, whole, self.functions)
        if task.runs is not Runs.READY:
            return Program(
                name=whole.name, params=whole.params, finally_=task.region, bindings=bindings
            )
        return Program(
            name=whole.name,
            workflow=whole.workflow,
            params=whole.params,
            body=task.region,
            on_failure=task.on_failure,
            finally_=task.finally_,
            bindings=bindings,
            span=whole.span,
        )

    def _given(self, task: Task, place: Place) -> dict[Value, Any]:
        if task.runs is Runs.READY:
            return {value: self.values.value(value, place) for value in task.region.params}
        return self._latest(task)

    def _latest(self, task: Task) -> dict[Value, Any]:
        """What a task at the end is given: of each name the latest version that was made."""
        given: dict[Value, Any] = {}
        by_name = dict(task.latest)
        for param in task.region.params:
            for version in reversed(by_name.get(param, (param,))):
                with suppress(Missing, StageError):
                    if self.values.is_known(version):
                        given[version] = self.values.value(version, ())
                        break
        return given

    def _workspace(self, found: Located, place: Place) -> Workspace:
        part = order_of(found, place)
        return Workspace(base=self.base, cache=self.cache, run=self.run, part=part)

    # ---------------------------------------------------------------------------- what it leaves

    def _outputs(self, task: Task, environment: Environment) -> dict[Value, Any]:
        """What other tasks read of it, computed when its ops have run."""
        if task.runs is not Runs.READY:
            return {}
        pairs = zip(task.outputs, task.region.results, strict=True)
        return {value: self._output(value, expr, environment) for value, expr in pairs}

    def _output(self, value: Value, expr: Expr, environment: Environment) -> Any:
        try:
            return evaluate(expr, lambda read: look(environment, read))
        except EvaluationError as cause:
            op = self.layout.read_by.get(value)
            raise StageError(op or Stage(name=value.name, stage=""), cause) from cause


def order_of(found: Located, place: Place) -> str:
    """Where a task at a place stands in the order of the run, as a text that sorts so."""
    numbers: list[int] = []
    indices = iter(place)
    for (group, _), number in zip(found.path, found.numbers, strict=False):
        numbers.append(number)
        if not isinstance(group.op, Branch):
            numbers.append(next(indices))
    return ".".join(f"{number:06d}" for number in (*numbers, found.numbers[-1]))


def _as_error(failed: Failed) -> StageError:
    return StageError(Stage(name=failed.stage, stage=""), Exception(failed.message))
