"""What of a task graph Airflow cannot do, or will not do as asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kitchen.compiler.targets.airflow.lowering import Run, Spread, Unit
from kitchen.compiler.targets.airflow.settings import Settings
from kitchen.compiler.targets.target import Exported
from kitchen.ir.diagnostic import Diagnostic, Label, Severity
from kitchen.ir.program import Stage
from kitchen.ir.source import Span
from kitchen.ir.task_graph import Task
from kitchen.ir.walk import walk

MANY = 2_000  #: tasks, from which on Airflow takes seconds to read a DAG, again and again
WIDE = 1_024  #: items of a map that Airflow takes (`core.max_map_length`)
PLAN = 1_000_000  #: bytes of a plan that a ConfigMap has room for


def faults(exported: Exported, units: Sequence[Unit], settings: Settings) -> Iterator[Diagnostic]:
    """Everything that is wrong, and what should be known."""
    tasks = [*exported.graph.tasks()]
    yield from _several_machines(tasks)
    if settings.operator == "task":
        yield from _in_the_worker(tasks)
    else:
        yield from _in_pods(exported, tasks, settings)
    yield from _large(units)


def _several_machines(tasks: Iterable[Task]) -> Iterator[Diagnostic]:
    for task in tasks:
        asked = task.annotations.resources
        if asked is not None and (asked.nodes or 1) > 1:
            yield Diagnostic(
                "K531",
                f"`{task.name}` asks for {asked.nodes} machines, and Airflow runs a task on one",
                primary=_label(task, "nodes"),
                help="`kitchen export --to argo` makes a job of several machines of it",
            )


def _in_the_worker(tasks: Iterable[Task]) -> Iterator[Diagnostic]:
    help = "`operator: kubernetes` in `targets: airflow:` gives each task a pod of its own"
    asking: list[Task] = []
    for task in tasks:
        if task.annotations.image is not None:
            yield Diagnostic(
                "K532",
                f"`{task.name}` asks for the image `{task.annotations.image}`, and a task in "
                "Airflow's worker has none",
                primary=_label(task, "image"),
                help=help,
            )
        elif task.annotations.resources is not None:
            asking.append(task)
    if asking:
        first, *rest = asking
        others = f" and {len(rest)} more" if rest else ""
        yield Diagnostic(
            "K533",
            f"`{first.name}`{others} {'ask' if rest else 'asks'} for resources, which Airflow's "
            "worker does not hand out",
            primary=_label(first, "resources"),
            help=help + "; `pool:` bounds how many tasks run at once",
            severity=Severity.WARNING,
        )


def _in_pods(exported: Exported, tasks: Iterable[Task], settings: Settings) -> Iterator[Diagnostic]:
    bare = [task for task in tasks if task.annotations.image is None]
    if bare and settings.image is None:
        section = exported.section
        span = None if section is None else section.keys.get(())
        yield Diagnostic(
            "K534",
            f"`{bare[0].name}` has no image to run in",
            primary=None if span is None else Label(span, "no `image:` here"),
            help="`image:` in `targets: airflow:` is that of every step without one of its own",
        )
    if len(exported.plan) > PLAN:
        yield Diagnostic(
            "K535",
            f"the plan has {len(exported.plan):,} bytes, and a ConfigMap holds {PLAN:,}",
            help="split the recipe in two, or run its tasks with `operator: task`",
        )


def _large(units: Sequence[Unit]) -> Iterator[Diagnostic]:
    if len(units) > MANY:
        yield Diagnostic(
            "K536",
            f"a DAG of {len(units):,} tasks: the time that Airflow takes to read it grows with the "
            "square of that",
            help="steps with the same `resources:` and `image:` in a line are one task",
            severity=Severity.WARNING,
        )
    told: set[int] = set()
    for unit in units:
        wide = isinstance(unit, Run) and isinstance(unit.at, Spread) and len(unit.at.known or ())
        if wide and wide > WIDE and wide not in told:
            told.add(wide)
            assert isinstance(unit, Run)
            yield Diagnostic(
                "K537",
                f"`{unit.task.name}` is mapped over {wide:,} items, of which Airflow's scheduler "
                f"takes {WIDE:,} well",
                primary=_label(unit.task, ""),
                help="make one item of several, so that a task does more at once",
                severity=Severity.WARNING,
            )


def _label(task: Task, field: str) -> Label | None:
    """The step of a task that asks for something."""
    spans = list(_spans(task, field))
    return Label(spans[0]) if spans else None


def _spans(task: Task, field: str) -> Iterator[Span]:
    for op in walk(task.region):
        if isinstance(op, Stage) and op.span is not None:
            notes = op.annotations
            asked = {"image": notes.image, "resources": notes.resources, "nodes": notes.resources}
            if asked.get(field, True) is not None:
                yield op.span
