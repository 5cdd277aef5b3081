"""Each task of Airflow as an expression that makes it."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from kitchen.compiler.targets.airflow.lowering import AllDone, Ask, Places, Run, Spread, Unit
from kitchen.compiler.targets.airflow.pods import resources_of
from kitchen.compiler.targets.airflow.python_source import attribute, call, literal, name, spread
from kitchen.compiler.targets.airflow.settings import Settings
from kitchen.ir.places import file_name
from kitchen.ir.task_graph import Runs, Task

LITERALS = 20  #: places that are written out; more are counted

Options = dict[str, ast.expr]


def made(unit: Unit, named: Mapping[str, str], settings: Settings) -> ast.expr:
    """The call that makes a task; `named` are the variables by id."""
    in_pods = settings.operator == "kubernetes"
    options: Options = {"task_id": literal(unit.id), "trigger_rule": literal(unit.rule)}
    match unit:
        case AllDone():
            return call("EmptyOperator", **options)
        case Places(group=group, source=source):
            told = attribute(name(named[source]), "output") if in_pods else name(named[source])
            return _decorated("places", options, told, literal(file_name(group)))
        case Ask():
            return _asked(unit, options, in_pods=in_pods)
        case Run():
            options |= _options(unit.task)
            if isinstance(unit.at, Spread) and unit.at.limit is not None:
                options["max_active_tis_per_dagrun"] = literal(unit.at.limit)
            if in_pods:
                options |= resources_of(unit.task, settings)
            return _run(unit, options, named, in_pods=in_pods)
    raise AssertionError(unit)


def about(unit: Unit) -> str:
    """What a task is, for a comment."""
    match unit:
        case Run(task=task):
            steps = ", ".join(op.name for op in task.region.ops)
            when = {Runs.FAILED: "If a task failed: ", Runs.ALWAYS: "Whatever happened: "}
            return when.get(task.runs, "") + steps if steps != task.name else ""
        case Ask(group=group):
            return f"What `{group}` goes by, which no single task can tell."
        case Places(group=group):
            return f"Where the tasks of `{group}` run."
    return "Fails if anything did, so that the run does."


def seconds(number: float) -> ast.expr:
    return call("timedelta", seconds=literal(number))


def _decorated(function: str, options: Options, *args: ast.expr, **keywords: ast.expr) -> ast.expr:
    return call(spread(call(f"{function}.override", **options)), *args, **keywords)


def _asked(unit: Ask, options: Options, *, in_pods: bool) -> ast.expr:
    keywords: Options = {"at": literal(unit.at)} if unit.at else {}
    keywords |= {"every": literal(True)} if unit.every else {}
    if in_pods:
        options |= {"kitchen_task": literal(unit.group), **keywords, "do_xcom_push": literal(True)}
        return spread(call("KitchenPod", **options))
    keywords["tells"] = literal(True)
    return _decorated("kitchen", options, literal(unit.group), **keywords)


def _run(unit: Run, options: Options, named: Mapping[str, str], *, in_pods: bool) -> ast.expr:
    task, at, keywords = unit.task, unit.at, Options()
    if isinstance(at, str) and at:
        keywords["at"] = literal(at)
    if isinstance(at, Spread) and at.below:
        keywords["below"] = literal(at.below)
    if task.annotations.retry is not None:
        keywords["attempts"] = literal(task.annotations.retry.times + 1)
    if in_pods:
        options |= {"kitchen_task": literal(task.name), **keywords}
        options["do_xcom_push"] = literal(unit.tells)
        if isinstance(at, str):
            return spread(call("KitchenPod", **options))
        made = spread(call("KitchenPod.partial", **options))
        return call(attribute(made, "expand"), at=_places(at, named))
    if unit.tells:
        keywords["tells"] = literal(True)
    if isinstance(at, str):
        return _decorated("kitchen", options, literal(task.name), **keywords)
    made = spread(call("kitchen.override", **options))
    partial = call(attribute(made, "partial"), name=literal(task.name), **keywords)
    return call(attribute(partial, "expand"), at=_places(at, named))


def _options(task: Task) -> Options:
    """What Airflow does about a task that fails or takes long."""
    options, notes = Options(), task.annotations
    if notes.retry is not None:
        times = ast.BinOp(name("PREEMPTIONS"), ast.Add(), literal(notes.retry.times))
        options["retries"] = times
        options["retry_delay"] = seconds(notes.retry.backoff)
        if notes.retry.backoff > 0:
            options["retry_exponential_backoff"] = name("DOUBLING")
            options["max_retry_delay"] = seconds(notes.retry.max_backoff)
    if notes.timeout is not None:
        most = ast.BinOp(name("STARTING"), ast.Add(), seconds(notes.timeout))
        options["execution_timeout"] = most
    return options


def _places(at: Spread, named: Mapping[str, str]) -> ast.expr:
    """The list that a task is mapped over."""
    if at.known is None:
        return name(named[at.by])
    around = at.known[0].rpartition(".")[0]
    plain = [f"{around}.{index}" if around else str(index) for index in range(len(at.known))]
    if len(at.known) <= LITERALS or [*at.known] != plain:
        return literal(at.known)
    counted = attribute(literal(f"{around}.{{}}"), "format") if around else name("str")
    return call("list", call("map", counted, call("range", literal(len(plain)))))
