"""A task graph run here: each task in a process of its own, side by side where edges allow.

It does what an engine does: order, fan-out, retries. What it goes by it reads from the folder of
the run, as any task does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field

from kitchen.ir.places import Place, instance_key
from kitchen.ir.program import Branch, Loop, Map
from kitchen.ir.task_graph import Group, Node, Runs, Task, TaskGraph
from kitchen.runtime.calls import StageError
from kitchen.runtime.signals import StopRequest
from kitchen.runtime.tasks.values import Values

#: Runs one task at a place; gives the exit code of its process.
Launch = Callable[[Task, Place], Awaitable[int]]

DONE, BAD_INPUT, FAILED, STOPPED = 0, 2, 3, 75
LONGEST_WAIT = 60.0  #: seconds before a task that was pre-empted is tried again


@dataclass(slots=True, kw_only=True)
class LocalRun:
    """One run of a task graph. `code` is the exit code of what failed first, if anything did."""

    values: Values
    launch: Launch
    parallel: int
    stop: StopRequest
    report: Callable[[str], None] = lambda message: None
    code: int = DONE
    stopped: bool = False
    _room: asyncio.Semaphore = field(init=False)

    async def run(self) -> int:
        """Run the body and then the endings; gives the exit code of the whole."""
        self._room = asyncio.Semaphore(self.parallel)
        graph = self.values.layout.graph
        await self._graph(graph, ())
        if self.stopped or (self.stop.requested and self.code == DONE):
            return STOPPED
        for runs in (Runs.FAILED, Runs.ALWAYS):
            for node in graph.nodes:
                if isinstance(node, Task) and node.runs is runs:
                    await self._ending(node)
        return STOPPED if self.stopped else self.code

    async def _ending(self, task: Task) -> None:
        if task.runs is Runs.ALWAYS or self.code != DONE:
            await self._attempts(task, ())

    # ---------------------------------------------------------------------------- graphs, groups

    async def _graph(self, graph: TaskGraph, place: Place) -> bool:
        """Run a graph at a place, each node when those are done that it waits for."""
        running: dict[str, asyncio.Task[bool]] = {}
        for node in graph.nodes:
            if isinstance(node, Task) and node.runs is not Runs.READY:
                continue
            waits = [running[e.source] for e in graph.edges if e.target == node.name]
            running[node.name] = asyncio.create_task(self._node(node, place, waits))
        return all(await asyncio.gather(*running.values()))

    async def _node(self, node: Node, place: Place, waits: Iterable[asyncio.Task[bool]]) -> bool:
        done = [await each for each in waits]
        if not all(done):
            return False
        if isinstance(node, Task):
            return await self._task(node, place)
        try:
            return await self._group(node, place)
        except StageError as error:  # what it goes by has no value
            self.report(f"`{error.op.name}` failed: {error.cause}")
            self._fail(FAILED)
            return False

    async def _group(self, group: Group, place: Place) -> bool:
        values = self.values
        match group.op:
            case Branch():
                return await self._graph(group.graphs[values.arm(group, place)], place)
            case Map(max_parallel=most):
                limit = None if most is None else values.clause(group, most, place)
                return await self._map(group, place, limit)
            case Loop():
                for each in values.places(group, place):
                    if not await self._graph(group.graphs[0], each):
                        return False
                    if values.is_over(group, each):
                        break
        return True

    async def _map(self, group: Group, place: Place, limit: int | None) -> bool:
        room: AbstractAsyncContextManager[object] = (
            nullcontext() if limit is None else asyncio.Semaphore(max(limit, 1))
        )

        async def item(each: Place) -> bool:
            async with room:
                return await self._graph(group.graphs[0], each)

        return all(await asyncio.gather(*map(item, self.values.places(group, place))))

    # -------------------------------------------------------------------------------------- tasks

    async def _task(self, task: Task, place: Place) -> bool:
        if self.values.outcomes.is_done(task.name, place):
            return True
        async with self._room:
            if self.code != DONE or self.stop.requested:
                self.stopped = self.stopped or self.code == DONE
                return False
            return await self._attempts(task, place)

    async def _attempts(self, task: Task, place: Place) -> bool:
        """Run a task, again and again as its `retry` says; one that was pre-empted in any case."""
        retry, key = task.annotations.retry, instance_key(task.name, place)
        left, wait = 0 if retry is None else retry.times, 1.0 if retry is None else retry.backoff
        most = LONGEST_WAIT if retry is None else retry.max_backoff
        while (code := await self.launch(task, place)) != DONE:
            if self.stop.requested:
                self.stopped = True
                return False
            if code != STOPPED:
                if left == 0 or code == BAD_INPUT:
                    self._fail(code)
                    return False
                left -= 1
            why = "stopped" if code == STOPPED else "failed"
            self.report(f"{key} {why}; it is tried again in {min(wait, most):g} s")
            await self._pause(min(wait, most))
            wait *= 2
        return True

    async def _pause(self, seconds: float) -> None:
        """Wait, unless a stop is asked for."""
        while seconds > 0 and not self.stop.requested:
            await asyncio.sleep(min(seconds, 0.1))
            seconds -= 0.1

    def _fail(self, code: int) -> None:
        """Nothing more is begun; the code of the first failure is that of the run."""
        if self.code == DONE:
            self.code = code if code in (BAD_INPUT, FAILED) else FAILED
