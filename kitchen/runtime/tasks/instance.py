"""Tasks at their places, run one at a time: each at most once to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kitchen.ir.places import Place
from kitchen.ir.serde.plan import Plan
from kitchen.ir.task_graph import Runs, Task
from kitchen.runtime import plugins, store
from kitchen.runtime.adapter import Adapter
from kitchen.runtime.events import Listener
from kitchen.runtime.ports import Workspace
from kitchen.runtime.signals import StopRequest
from kitchen.runtime.stage import StageFunction
from kitchen.runtime.tasks.attempt import Attempt, order_of
from kitchen.runtime.tasks.layout import Layout, Located
from kitchen.runtime.tasks.outcomes import Failed, Missing, Outcomes
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
            attempt = self._attempt(found, place, failure)
            with store.written_as(attempt.writer):
                attempt.tidy()
                self.outcomes.try_again(task.name, place)
                try:
                    runner = attempt.runner()
                    runner.listeners, runner.report = listeners, report
                    runner.stop = stop or runner.stop
                    return runner.run_locked(resume=directory.status() is not None)
                except Missing:
                    raise  # it was not begun
                except Exception as error:
                    attempt.fail(error)
                    raise

    def _attempt(self, found: Located, place: Place, failure: Failed | None) -> Attempt:
        return Attempt(
            whole=self.plan.program,
            values=self.values,
            adapters=self.adapters,
            workspace=Workspace(
                base=self.base, cache=self.cache, run=self.run, part=order_of(found, place)
            ),
            found=found,
            place=place,
            failure=failure,
        )

    def _is_done(self, task: Task, place: Place, failure: Failed | None) -> bool:
        """Whether an outcome is there. An ending for another failure than now is taken away."""
        if not self.outcomes.is_done(task.name, place):
            return False
        if task.runs is Runs.READY or self.outcomes.failure_behind(task.name, place) == failure:
            return True
        self.outcomes.forget(task.name, place)
        return False
