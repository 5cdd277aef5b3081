"""The Python file of a DAG: constants, how a task is run, and the tasks with what they wait for."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from kitchen.compiler.targets.airflow import parts, pods
from kitchen.compiler.targets.airflow.calls import about, made, seconds
from kitchen.compiler.targets.airflow.lowering import AllDone, Places, Run, Unit
from kitchen.compiler.targets.airflow.naming import Variables, dag_id
from kitchen.compiler.targets.airflow.python_source import (
    STEP,
    assign,
    call,
    comment,
    docstring,
    literal,
    name,
    spread,
    statement,
)
from kitchen.compiler.targets.airflow.settings import Settings
from kitchen.compiler.targets.target import Exported
from kitchen.ir.serde import digest


def dag_file(exported: Exported, units: Sequence[Unit], settings: Settings) -> str:
    """The whole file."""
    head = _head(exported, units, settings)
    return f"{head}\n\n{_dag(exported, units, settings, _bound(head))}"


def _head(exported: Exported, units: Sequence[Unit], settings: Settings) -> str:
    """All that stands before the DAG."""
    listed = any(isinstance(unit, Places) for unit in units)
    in_pods = settings.operator == "kubernetes"
    names = {"DAG", "Param"}
    names |= {"EmptyOperator"} if any(isinstance(unit, AllDone) for unit in units) else set()
    names |= {"task"} if listed or not in_pods else set()
    names |= set() if in_pods else {"get_current_context"}
    names |= {"Variable"} if settings.secrets and not in_pods else set()
    version = None if settings.version is None else str(settings.version)
    text = docstring(_title(exported)) + "\nfrom __future__ import annotations\n\n"
    text += pods.STANDARD if in_pods else parts.standard(environment=_environment(settings))
    others = pods.imports(settings) if in_pods else []
    text += parts.imports(version, names, doubling=any(map(_doubles, units)), others=others)
    text += "\n" + "".join(_constants(exported, settings, units))
    text += pods.RUNNING if in_pods else parts.running(environment=_environment(settings))
    return text + (parts.PLACES if listed else "")


def _bound(head: str) -> frozenset[str]:
    """Every name that the code before the DAG knows, which no task's variable may take."""
    found: set[str] = {"annotations"}
    for node in ast.walk(ast.parse(head)):
        match node:
            case ast.Name(id=word) | ast.arg(arg=word):
                found.add(word)
            case ast.FunctionDef(name=word) | ast.ClassDef(name=word):
                found.add(word)
            case ast.alias(name=word, asname=other):
                found.add(other or word.partition(".")[0])
    return frozenset(found)


def _environment(settings: Settings) -> tuple[str, ...]:
    """What is put into the environment of each task."""
    given = {"**ENVIRONMENT": settings.env, "**secrets()": settings.secrets}
    return tuple(part for part, values in given.items() if values)


def _title(exported: Exported) -> str:
    program = exported.program
    return (
        f"Recipe {program.name}, workflow {program.workflow}.\n\n"
        "Written by `kitchen export`: to change it, change the recipe and export it again. Each\n"
        "task is `kitchen task`, which reads `plan.json` beside this file; conditions and values\n"
        f"are kitchen's. Plan {digest(program)[:12]}.\n"
    )


def _constants(exported: Exported, settings: Settings, units: Sequence[Unit]) -> Iterator[str]:
    if settings.operator == "kubernetes":
        yield from pods.constants(exported, settings)
    else:
        yield 'PLAN = Path(__file__).resolve().parent / "plan.json"\n'
        yield comment("Each run has a folder of its own in here, which all tasks of it share.", "")
        if settings.runs is None:
            yield 'RUNS = PLAN.parent / "runs"\n'
        else:
            yield assign("RUNS", literal(settings.runs))
        yield assign("KITCHEN", literal(settings.kitchen))
        if settings.env:
            yield assign("ENVIRONMENT", literal(settings.env))
        if settings.secrets:
            secrets = {key: getattr(each, "variable", "") for key, each in settings.secrets.items()}
            yield comment("Secrets, and the variables of Airflow that hold them.", "")
            yield assign("SECRETS", literal(secrets))
        yield comment("Seconds that a task which is stopped has to save where it was.", "")
        yield assign("GRACE", literal(settings.grace_seconds))
    yield comment("How often a task that was stopped, by whomever, goes on where it was.", "")
    yield assign("PREEMPTIONS", literal(settings.preemptions))
    if any(isinstance(unit, Run) and unit.task.annotations.timeout is not None for unit in units):
        yield comment(
            "What a process takes beside its steps, whose own timeouts kitchen keeps.", ""
        )
        yield assign("STARTING", seconds(settings.start_seconds))


# ----------------------------------------------------------------------------------------- the DAG


def _dag(
    exported: Exported, units: Sequence[Unit], settings: Settings, taken: frozenset[str]
) -> str:
    schedule = exported.schedule
    start = call("pendulum.datetime", literal(2024), literal(1), literal(1))
    start.keywords = [ast.keyword("tz", literal(schedule.timezone if schedule else "UTC"))]
    options: dict[str, ast.expr] = {
        "dag_id": literal(dag_id(exported.program.name)),
        "schedule": literal(schedule.cron if schedule else None),
        "start_date": start,
        "catchup": literal(False),
        "max_active_runs": literal(1),
    }
    if settings.max_active_tasks is not None:
        options["max_active_tasks"] = literal(settings.max_active_tasks)
    options |= {
        "default_args": _defaults(settings),
        "params": _params(settings),
        "tags": literal(settings.tags),
        "doc_md": name("__doc__"),
    }
    head = statement(spread(call("DAG", **options))).rstrip("\n")
    if not units:
        return f"with {head}:\n{STEP}pass\n"
    return f"with {head}:\n" + "\n".join(_tasks(units, settings, taken))


def _defaults(settings: Settings) -> ast.expr:
    pairs: dict[str, ast.expr] = {
        "retries": name("PREEMPTIONS"),
        "retry_delay": seconds(30),
    }
    if settings.pool is not None:
        pairs["pool"] = literal(settings.pool)
    return ast.Dict([literal(key) for key in pairs], list(pairs.values()))


def _params(settings: Settings) -> ast.expr:
    about = {
        "run": ("", "The folder of the run; if empty, one of its own in RUNS."),
        "base": (
            pods.data_folder(settings),
            "Where relative files lie; if empty, as in the plan.",
        ),
    }
    values: list[ast.expr] = [
        call("Param", literal(value), type=literal("string"), description=literal(text))
        for value, text in about.values()
    ]
    return ast.Dict([literal(key) for key in about], values)


def _tasks(units: Sequence[Unit], settings: Settings, taken: frozenset[str]) -> Iterator[str]:
    variables = Variables(taken)
    named = {unit.id: variables.of(unit.id) for unit in units}
    for unit in units:
        text = comment(about(unit), STEP)
        text += assign(named[unit.id], made(unit, named, settings), STEP)
        if unit.upstream:
            before = ast.List([name(named[each]) for each in unit.upstream])
            text += statement(call(f"{named[unit.id]}.set_upstream", before), STEP)
        yield text


def _doubles(unit: Unit) -> bool:
    retry = unit.task.annotations.retry if isinstance(unit, Run) else None
    return retry is not None and retry.backoff > 0
