"""One attempt at a task: what it is given, its region and endings as a program, what it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kitchen.ir.expr import EvaluationError, Expr, Value, evaluate
from kitchen.ir.places import Place
from kitchen.ir.program import Branch, Program, Stage
from kitchen.ir.task_graph import Runs, Task
from kitchen.runtime import store
from kitchen.runtime.adapter import Adapter
from kitchen.runtime.calls import Environment, StageError, look
from kitchen.runtime.ports import Workspace
from kitchen.runtime.runner import Runner
from kitchen.runtime.tasks.layout import Located
from kitchen.runtime.tasks.outcomes import Failed, Missing
from kitchen.runtime.tasks.shared_folder import writer_of
from kitchen.runtime.tasks.stages import bindings_of
from kitchen.runtime.tasks.values import Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A task at a place that is about to be run, by who holds its lock.

    `failure` is what went wrong in the body, for a task at the end. `workspace` is the run's.
    """

    whole: Program
    values: Values
    adapters: Mapping[str, Mapping[str, Adapter]]
    workspace: Workspace
    found: Located
    place: Place
    failure: Failed | None

    @property
    def task(self) -> Task:
        assert isinstance(self.found.node, Task)
        return self.found.node

    @property
    def is_ending(self) -> bool:
        return self.task.runs is not Runs.READY

    @property
    def writer(self) -> str:
        """What its unfinished files are signed with, in each attempt at it."""
        return writer_of(self.task.name, self.place)

    def tidy(self) -> None:
        """Finish what an attempt before this one left half done, among the files of others."""
        run = self.workspace.run
        assert run is not None
        folders = [path for path in run.iterdir() if not path.name.startswith(".")]
        for folder in (run, *folders, run / "metrics" / self.workspace.part):
            store.clean_stale(folder, of=self.writer)

    def runner(self) -> Runner:
        """What runs it. Raises Missing where something that it needs was not made."""
        outcomes, name = self.values.outcomes, self.task.name
        return Runner(
            program=self._program(),
            directory=outcomes.directory(name, self.place),
            workspace=self.workspace,
            functions=self.values.functions,
            adapters=self.adapters,
            given=self._latest() if self.is_ending else self._given(),
            conclude=self._outputs,
            keep=lambda made: outcomes.commit(name, self.place, made, self.failure),
            failure=None if self.failure is None else _as_error(self.failure),
        )

    def fail(self, error: Exception) -> None:
        """Leave word of a failure, for the endings. A full disk may take that, too."""
        failed = Failed(self.task.name, str(error))
        if isinstance(error, StageError):
            failed = Failed(error.op.name, str(error.cause))
        with suppress(store.StorageError):
            self.values.outcomes.fail(self.task.name, self.place, failed)

    # ------------------------------------------------------------------------- what it is given

    def _program(self) -> Program:
        """The task as a program of its own, with the adapters that its stages use."""
        task, whole = self.task, self.whole
        bindings = bindings_of(task, whole, self.values.functions)
        if self.is_ending:
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

    def _given(self) -> dict[Value, Any]:
        return {value: self.values.value(value, self.place) for value in self.task.region.params}

    def _latest(self) -> dict[Value, Any]:
        """What a task at the end is given: of each name the latest version that was made."""
        given: dict[Value, Any] = {}
        by_name = dict(self.task.latest)
        for param in self.task.region.params:
            for version in reversed(by_name.get(param, (param,))):
                with suppress(Missing, StageError):
                    if self.values.is_known(version):
                        given[version] = self.values.value(version, ())
                        break
        return given

    # ---------------------------------------------------------------------------- what it leaves

    def _outputs(self, environment: Environment) -> dict[Value, Any]:
        """What other tasks read of it, computed when its ops have run."""
        if self.is_ending:
            return {}
        pairs = zip(self.task.outputs, self.task.region.results, strict=True)
        return {value: self._output(value, expr, environment) for value, expr in pairs}

    def _output(self, value: Value, expr: Expr, environment: Environment) -> Any:
        try:
            return evaluate(expr, lambda read: look(environment, read))
        except EvaluationError as cause:
            op = self.values.layout.read_by.get(value)
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
