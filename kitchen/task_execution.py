"""A compiled recipe run here in tasks: each in a process of its own, as engines do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from kitchen.compiler.compile import Compiled
from kitchen.execution import RUNS, cache_folder, find_run, next_folder
from kitchen.ir.diagnostic import demand
from kitchen.ir.program import Program
from kitchen.ir.serde.plan import Plan, plan_bytes, plan_to_json, read_plan
from kitchen.ir.task_graph import TaskGraph
from kitchen.loaded import Loaded
from kitchen.runtime.events import RunStarted, RunStopped
from kitchen.runtime.journal import Journal
from kitchen.runtime.lock import LockHeld, is_locked
from kitchen.runtime.provenance import check_resume
from kitchen.runtime.run_directory import RunDirectory, RunError
from kitchen.runtime.signals import StopRequest
from kitchen.runtime.tasks.instance import Instances
from kitchen.runtime.tasks.local import DONE, STOPPED, LocalRun
from kitchen.runtime.tasks.processes import Processes
from kitchen.runtime.tasks.shared_folder import beginnings, plan_in

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class PreparedTasks:
    """A run in tasks that can begin or go on."""

    plan: Plan
    directory: RunDirectory
    base: Path
    resume: bool

    @property
    def program(self) -> Program:
        """Its parameters and adapters; what runs is in the plan's tasks."""
        return self.plan.program

    def run(
        self,
        stop: StopRequest,
        *,
        parallel: int,
        say: Say | None,
        complain: Say,
        options: tuple[str, ...] = (),
    ) -> int:
        """Run it; gives the exit code. Raises LockHeld where any of it is run already."""
        path = self.directory.path
        self._nobody_at_work()
        with self.directory.lock(), stop:
            processes = Processes(
                plan=path / "plan.json",
                run=path,
                base=self.base,
                stop=stop,
                say=say,
                complain=complain,
                options=options,
            )
            instances = Instances(plan=self.plan, run=path, base=self.base, cache=cache_folder())
            run = LocalRun(
                values=instances.values,
                launch=processes.launch,
                parallel=parallel,
                stop=stop,
                report=say or (lambda message: None),
            )
            return self._watched(lambda: asyncio.run(_beside(run, processes)))

    def _watched(self, run: Callable[[], int]) -> int:
        """Run, with word of it in the journal and the status of the whole."""
        journal, began = Journal(self.directory), perf_counter()
        journal(RunStarted(self.program, self.resume))
        status, error = "stopped", None
        try:
            code = run()
            if code not in (DONE, STOPPED):
                error = "a task failed"
            status = {DONE: "done", STOPPED: "stopped"}.get(code, "failed")
            return code
        finally:
            journal(RunStopped(status, perf_counter() - began, error))

    def _nobody_at_work(self) -> None:
        """Refuse to go on while tasks run that outlived whoever began them."""
        for path in sorted((self.directory.path / "tasks").glob("*/LOCK")):
            if is_locked(path):
                raise LockHeld(
                    f"`{path.parent}` is in use by a task of an earlier process",
                    help="wait for that task to end, or stop it",
                )


async def _beside(run: LocalRun, processes: Processes) -> int:
    """Run to the end, and pass a stop on to the processes."""
    watch = asyncio.create_task(processes.pass_on_stop())
    try:
        return await run.run()
    finally:
        watch.cancel()


def cut(loaded: Loaded, compiled: Compiled) -> TaskGraph:
    """The tasks of a recipe's program. Raises CompileError where it cannot be cut."""
    from kitchen.compiler.partition import partition

    graph, faults = partition(compiled.program, loaded.registry)
    demand(faults)
    return graph


def prepare_tasks(loaded: Loaded, compiled: Compiled, run_dir: Path | None) -> PreparedTasks:
    """Make the folder of a new run. Raises RunError where there is one of that name."""
    path = run_dir or next_folder(RUNS, compiled.program.name)
    base = loaded.path.resolve().parent
    content = plan_to_json(
        compiled.program,
        cut(loaded, compiled),
        recipe=loaded.source,
        base=os.path.relpath(base, path.resolve()),
        overrides=loaded.overrides,
    )
    data = plan_bytes(content)
    plan = read_plan(data)
    directory = RunDirectory.create(path, beginnings(plan, data, base))
    return PreparedTasks(plan, directory, base, resume=False)


def reopen_tasks(path: Path, report: Say) -> PreparedTasks:
    """A run in tasks, to go on with it. Raises RunError where that cannot be."""
    directory = find_run(path)
    plan = plan_in(path)
    for difference in check_resume(directory, plan_digest=plan.digest):
        report(difference)
    base = directory.record().get("base")
    if not isinstance(base, str):
        raise RunError(
            f"`{path / 'run.json'}` does not say where the data lies",
            help="the folder of the run was damaged; begin a new run",
        )
    return PreparedTasks(plan, directory, Path(base), resume=True)
