"""Binding: the adapters a recipe names, made ready before the first step runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from kitchen.ir.program import Program
from kitchen.runtime.adapter import Adapter
from kitchen.runtime.events import Listener, MetricsLogged
from kitchen.runtime.ports import AdapterError, Metric, MetricsStore, Workspace


class BindError(Exception):
    """An adapter cannot be made: which port it was for, and why."""

    def __init__(self, port: str, adapter: str, cause: Exception) -> None:
        super().__init__(f"the adapter `{adapter}` cannot serve `{port}`: {cause}")
        self.port, self.adapter, self.cause = port, adapter, cause


class WatchedMetrics:
    """A metrics store whose measurements are also told to the listeners of a run."""

    def __init__(self, store: MetricsStore, listeners: tuple[Listener, ...]) -> None:
        self.store, self.listeners = store, listeners

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self.store.log(step, values)
        for listener in self.listeners:
            listener(MetricsLogged(step, values))

    def flush(self) -> None:
        self.store.flush()

    def position(self) -> int:
        return self.store.position()

    def rewind(self, position: int) -> None:
        self.store.rewind(position)

    def read(self) -> list[Metric]:
        return self.store.read()


@contextmanager
def bound(
    program: Program,
    adapters: Mapping[str, Mapping[str, Adapter]],
    workspace: Workspace,
    listeners: tuple[Listener, ...] = (),
) -> Iterator[dict[str, Any]]:
    """The ports of a program, by name, while it runs; adapters that can be closed are, after.

    Raises BindError for an adapter that cannot be imported or made.
    """
    with ExitStack() as stack:
        ports: dict[str, Any] = {}
        for binding in program.bindings:
            adapter = adapters[binding.port][binding.adapter]
            try:
                made = adapter.bind(dict(binding.config), workspace)
            except ModuleNotFoundError as cause:
                missing = AdapterError(f"the package `{cause.name}` is not installed")
                raise BindError(binding.port, binding.adapter, missing) from cause
            except (AdapterError, OSError) as cause:
                raise BindError(binding.port, binding.adapter, cause) from cause
            if hasattr(made, "__exit__"):
                made = stack.enter_context(made)
            ports[binding.port] = made
        if "metrics" in ports:
            ports["metrics"] = WatchedMetrics(ports["metrics"], listeners)
        yield ports
