"""As much of Airflow as an exported DAG needs, in this process: its modules, and a scheduler.

The rules are those of Airflow's documentation, as far as exported DAGs use them: `none_failed`
waits for all and is failed by any, `all_done` waits for all; a mapped task runs once for each item,
and is skipped where there is none.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

SUCCESS, SKIPPED, FAILED, UPSTREAM_FAILED = "success", "skipped", "failed", "upstream_failed"


class AirflowException(Exception):
    """A task failed, and is worth another attempt."""


class AirflowFailException(AirflowException):
    """A task failed for good."""


class AirflowSkipException(AirflowException):
    """A task is not to be run."""


class Param:
    def __init__(self, value: object, *, type: str, description: str) -> None:
        self.value = value


class DAG:
    """The tasks that are made in its `with`."""

    current: ClassVar[DAG | None] = None

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.tasks: dict[str, Operator] = {}

    def __enter__(self) -> DAG:
        DAG.current = self
        return self

    def __exit__(self, *_: object) -> None:
        DAG.current = None


@dataclass(eq=False)
class Operator:
    """A task: what is called, with what, and which tasks it waits for."""

    options: dict[str, Any]
    function: Callable[..., Any] | None = None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    mapped: dict[str, Any] = field(default_factory=dict)
    upstream: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        assert DAG.current is not None
        assert self.id not in DAG.current.tasks, f"two tasks are called {self.id}"
        DAG.current.tasks[self.id] = self
        given = (*self.args, *self.kwargs.values(), *self.mapped.values())
        self.upstream |= {each.id for each in given if isinstance(each, Operator)}

    @property
    def id(self) -> str:
        return str(self.options["task_id"])

    def set_upstream(self, tasks: list[Operator]) -> None:
        self.upstream |= {task.id for task in tasks}


class Decorated:
    """A function under `@task`."""

    def __init__(self, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
        self.function, self.options = function, dict(options)
        self.given: dict[str, Any] = {}

    def override(self, **options: Any) -> Decorated:
        return Decorated(self.function, self.options | options)

    def partial(self, **given: Any) -> Decorated:
        made = Decorated(self.function, self.options)
        made.given = given
        return made

    def __call__(self, *args: Any, **kwargs: Any) -> Operator:
        return Operator(self.options, self.function, args, kwargs)

    def expand(self, **mapped: Any) -> Operator:
        return Operator(self.options, self.function, (), self.given, mapped)


def task(**options: Any) -> Callable[[Callable[..., Any]], Decorated]:
    return lambda function: Decorated(function, options)


CONTEXT: dict[str, Any] = {}


@contextmanager
def installed() -> Iterator[None]:
    """Airflow 3 can be imported."""
    variable = SimpleNamespace(get={"hub": "hunter2"}.__getitem__)
    sdk = {
        "Variable": variable,
        "DAG": DAG,
        "Param": Param,
        "task": task,
        "get_current_context": lambda: CONTEXT,
    }
    errors = {
        "AirflowException": AirflowException,
        "AirflowFailException": AirflowFailException,
        "AirflowSkipException": AirflowSkipException,
    }
    empty = {"EmptyOperator": lambda **options: Operator(options)}
    modules: dict[str, dict[str, Any]] = {
        "airflow": {},
        "airflow.sdk": sdk,
        "airflow.sdk.exceptions": errors,
        "airflow.providers": {},
        "airflow.providers.standard": {},
        "airflow.providers.standard.operators": {},
        "airflow.providers.standard.operators.empty": empty,
        "pendulum": {"datetime": lambda *args, tz: (args, tz)},
    }
    before = {name: sys.modules.get(name) for name in modules}
    for name, content in modules.items():
        module = ModuleType(name)
        vars(module).update(content)
        sys.modules[name] = module
    try:
        yield
    finally:
        for name, module_before in before.items():
            if module_before is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module_before


def read(source: str, path: str) -> tuple[DAG, dict[str, Any]]:
    """The DAG of a file, and everything else in it."""
    found: list[DAG] = []
    namespace: dict[str, Any] = {"__file__": path, "__name__": "exported", "__doc__": ""}
    original = DAG.__init__

    def noted(self: DAG, **options: Any) -> None:
        original(self, **options)
        found.append(self)

    with installed():
        DAG.__init__ = noted  # type: ignore[method-assign]
        try:
            exec(compile(source, path, "exec"), namespace)
        finally:
            DAG.__init__ = original  # type: ignore[method-assign]
    (dag,) = found
    return dag, namespace


@dataclass
class DagRun:
    """One run of a DAG: tasks in a random order that their rules allow."""

    dag: DAG
    random: Random
    states: dict[str, str] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)

    def run(self) -> str:
        """Run everything; gives the state of the run, which is that of its last tasks."""
        while len(self.states) < len(self.dag.tasks):
            ready = [task for task in self.dag.tasks.values() if self.is_ready(task)]
            assert ready, "tasks wait for each other"
            task = self.random.choice(ready)
            self.states[task.id] = self.state(task)
        followed = set().union(*(task.upstream for task in self.dag.tasks.values()))
        last = [self.states[name] for name in self.dag.tasks if name not in followed]
        return FAILED if {FAILED, UPSTREAM_FAILED} & {*last} else SUCCESS

    def is_ready(self, task: Operator) -> bool:
        """Whether a task has its turn; where it cannot run any more, it need not wait for all."""
        if task.id in self.states:
            return False
        if all(name in self.states for name in task.upstream):
            return True
        return task.options["trigger_rule"] == "none_failed" and self.is_lost(task)

    def is_lost(self, task: Operator) -> bool:
        ended = {self.states.get(name) for name in task.upstream}
        return bool(ended & {FAILED, UPSTREAM_FAILED})

    def state(self, task: Operator) -> str:
        if task.options["trigger_rule"] == "none_failed" and self.is_lost(task):
            return UPSTREAM_FAILED
        if task.function is None:
            return SUCCESS
        if not task.mapped:
            return self.instance(task, {})
        (name,) = task.mapped
        items = self.value(task.mapped[name])
        assert isinstance(items, list), f"{task.id} is mapped over {items!r}"
        order = self.random.sample(range(len(items)), len(items))
        ended = {self.instance(task, {name: items[index]}) for index in order}
        return next((state for state in (FAILED, SUCCESS) if state in ended), SKIPPED)

    def instance(self, task: Operator, mapped: Mapping[str, Any]) -> str:
        """One instance, tried as often as its task says."""
        assert task.function is not None
        args = [self.value(each) for each in task.args]
        kwargs = {name: self.value(each) for name, each in task.kwargs.items()}
        retries = task.options.get("retries", self.dag.options["default_args"]["retries"])
        for number in range(1, retries + 2):
            params = {name: each.value for name, each in self.dag.options["params"].items()}
            CONTEXT.update(run_id="r1", params=params, ti=SimpleNamespace(try_number=number))
            self.tries[task.id] = number
            try:
                self.results[task.id] = task.function(*args, **kwargs, **mapped)
            except AirflowSkipException:
                return SKIPPED
            except AirflowFailException:
                return FAILED
            except AirflowException:
                continue
            return SUCCESS
        return FAILED

    def value(self, given: Any) -> Any:
        """What was pushed; None for a task that was skipped."""
        return self.results.get(given.id) if isinstance(given, Operator) else given
