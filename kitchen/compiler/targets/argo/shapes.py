"""Which tasks share a template: those that ask for the same, and tell as much."""

from __future__ import annotations

from dataclasses import dataclass, field

from kitchen.compiler.targets.argo.decisions import Decisions, is_job
from kitchen.ir.frozen import frozen
from kitchen.ir.program import NO_ANNOTATIONS, Resources, Retry
from kitchen.ir.task_graph import Task, TaskGraph


@frozen(kw_only=True)
class Shape:
    """What a template that runs tasks gives them; `tells` is how many decisions come out of it."""

    image: str | None = None
    resources: Resources | None = None
    retry: Retry | None = None
    timeout: float | None = None
    tells: int = 0
    job: bool = False
    asks: bool = False  #: what only asks leaves no outcome

    def described(self) -> str:
        """What is asked for, in words; nothing where nothing is."""
        asked = self.resources or Resources()
        words = [
            f"{name} {amount:g}" if isinstance(amount, float) else f"{name} {amount}"
            for name in ("nodes", "cpu", "memory", "gpu")
            if (amount := getattr(asked, name)) is not None
        ]
        words += [self.image] if self.image is not None else []
        words += [f"{self.retry.times} retries"] if self.retry is not None else []
        words += [f"at most {self.timeout:g} s"] if self.timeout is not None else []
        words += [f"tells {self.tells}"] if self.tells else []
        return ", ".join(words)


@dataclass(slots=True)
class Shapes:
    """The shapes of a program by the names of their templates, and which each call has."""

    found: dict[Shape, str] = field(default_factory=dict)
    of: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, graph: TaskGraph, decisions: Decisions, *, apart: bool = False) -> Shapes:
        """The shapes of all tasks of a graph that may run, and of the steps that ask: `apart` if
        the two are to have none in common.
        """
        shapes, told = cls(), decisions.told
        calls: list[tuple[str, Task | None]] = [(t.name, t) for t in decisions.running(graph)]
        calls += [(call, None) for call in told if call.startswith("ask ")]
        for call, task in calls:
            notes = NO_ANNOTATIONS if task is None else task.annotations
            shape = Shape(
                image=notes.image,
                resources=notes.resources,
                retry=notes.retry,
                timeout=notes.timeout,
                tells=len(told.get(call, ())),
                job=task is not None and is_job(task),
                asks=task is None and apart,
            )
            shapes.of[call] = shapes.named(shape)
        return shapes

    def named(self, shape: Shape) -> str:
        """The template of a shape: `task`, `job`, and then numbers."""
        if shape not in self.found:
            kind = "job" if shape.job else "task"
            number = 1 + sum(known.job is shape.job for known in self.found)
            self.found[shape] = f"{kind} {number if number > 1 else ''}"
        return self.found[shape]
