"""A whole run: begin it or go on with it, its body, its endings, its checkpoints."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from kitchen.ir.expr import Value
from kitchen.ir.program import Program
from kitchen.runtime import plugins
from kitchen.runtime.adapter import Adapter
from kitchen.runtime.calls import Environment, StageError
from kitchen.runtime.checkpoint import Checkpoints
from kitchen.runtime.endings import run_ending
from kitchen.runtime.environment import bound
from kitchen.runtime.events import Listener, RunStarted, RunStopped
from kitchen.runtime.guards import Stopped
from kitchen.runtime.interpreter import Interpreter
from kitchen.runtime.journal import Journal
from kitchen.runtime.manifest import StorageError
from kitchen.runtime.ports import Workspace
from kitchen.runtime.position import Position
from kitchen.runtime.provenance import provenance
from kitchen.runtime.run_directory import RunDirectory
from kitchen.runtime.signals import StopRequest
from kitchen.runtime.stage import StageFunction
from kitchen.runtime.world import World


def begin(
    path: Path,
    *,
    recipe: Path,
    text: str,
    overrides: Mapping[str, str],
    plan: Mapping[str, Any],
) -> RunDirectory:
    """Make the folder of a new run. Raises RunError where there is one."""
    record = {
        "recipe": plan["recipe"],
        "path": str(recipe),
        "overrides": dict(overrides),
        "digest": plan["digest"],
        **provenance(),
    }
    files = {
        "recipe.yaml": text.encode(),
        "plan.json": json.dumps(plan, indent=1).encode() + b"\n",
        "run.json": json.dumps(record, indent=1).encode() + b"\n",
    }
    return RunDirectory.create(path, files)


@dataclass(slots=True, kw_only=True)
class Runner:
    """Runs one program, and keeps in a folder of its own how far it is.

    `report` is told, in words, what a person should know and no listener would see. `given` are
    the values that enter the body. What `conclude` reads when the body is done is kept by `keep`,
    when the endings have run and all that was written is durable.
    """

    program: Program
    directory: RunDirectory
    workspace: Workspace
    functions: Mapping[str, StageFunction] = field(default_factory=lambda: plugins.functions())
    adapters: Mapping[str, Mapping[str, Adapter]] = field(
        default_factory=lambda: plugins.adapters()
    )
    given: Mapping[Value, Any] = field(default_factory=dict)
    conclude: Callable[[Environment], Any] = lambda environment: None
    keep: Callable[[Any], None] = lambda concluded: None
    failure: StageError | None = None  #: of another program, whose ending this is
    listeners: tuple[Listener, ...] = ()
    stop: StopRequest = field(default_factory=StopRequest)
    report: Callable[[str], None] = lambda message: None
    total_steps: int | None = None

    def run(self, *, resume: bool = False) -> str:
        """Run to the end, or to where a stop was asked for: gives `done` or `stopped`.

        Raises StageError where a step failed, LockHeld where another process runs it, BindError
        where an adapter cannot be made. What was committed stays.
        """
        with self.directory.lock():
            return self.run_locked(resume=resume)

    def run_locked(self, *, resume: bool = False) -> str:
        """The same for who holds the lock of the folder."""
        with self.stop:
            journal = Journal(self.directory, total_steps=self.total_steps)
            listeners: tuple[Listener, ...] = (journal, *self.listeners)
            with bound(self.program, self.adapters, self.workspace, listeners) as ports:
                world = World(
                    functions=self.functions,
                    ports=ports,
                    workspace=self.workspace,
                    listeners=listeners,
                    wait=self.stop.wait,
                )
                return self._run(world, resume)

    def _run(self, world: World, resume: bool) -> str:
        started = perf_counter()
        checkpoints = Checkpoints(self.program, world, self.directory, lambda: self.stop.requested)
        environment: Environment = {p.value: p.setting for p in self.program.params}
        environment.update(self.given)
        world.emit(RunStarted(self.program, resume))
        status, error = "failed", None
        try:
            concluded = self._run_body(world, checkpoints, environment, resume)
            if concluded is not None:
                _flush(world, failed=False)
                self.keep(*concluded)
            status = "stopped" if concluded is None else "done"
        except BaseException as cause:
            status = "stopped" if isinstance(cause, KeyboardInterrupt) else "failed"
            error = str(cause) or "interrupted"
            raise
        finally:
            _flush(world, failed=error is not None)
            world.emit(RunStopped(status, perf_counter() - started, error))
        return status

    def _run_body(
        self, world: World, checkpoints: Checkpoints, environment: Environment, resume: bool
    ) -> tuple[Any] | None:
        """Run the body and the endings; gives what there is to keep, None where it was stopped."""
        position: Position = ()
        if resume:
            latest = self.directory.latest_checkpoint(self.report)
            if latest is not None:
                position = checkpoints.load(latest, environment)
            else:
                _forget(world)
        interpreter = Interpreter(world, checkpoints.boundary, checkpoints.restore)
        try:
            interpreter.run(self.program.body, environment, position)
            concluded = self.conclude(environment)
        except Stopped:
            return None  # the run is not over: its endings come when it is
        except StageError as failure:
            run_ending(self.program.on_failure, world, environment, failure)
            run_ending(self.program.finally_, world, environment, failure)
            raise
        run_ending(self.program.finally_, world, environment, self.failure)
        if self.failure is not None and getattr(self.failure, "__notes__", None):
            raise self.failure
        return (concluded,)


def _flush(world: World, *, failed: bool) -> None:
    """Make durable what ports still hold. After a failure, one in here would hide the first."""
    for port in world.ports.values():
        if hasattr(port, "flush"):
            with suppress(StorageError) if failed else nullcontext():
                port.flush()


def _forget(world: World) -> None:
    """Let a run without a checkpoint begin again as if it never had begun."""
    for port in world.ports.values():
        if hasattr(port, "rewind"):
            port.rewind(0)
