"""`kitchen task`: run one task of a plan, or ask what a group of tasks goes by."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import click

from kitchen.cli.application import DONE, INTERRUPTED, NOT_TO_BE_RUN, STOPPED, refuse
from kitchen.cli.command_line import CommandLine
from kitchen.ir.diagnostic import CompileError, Diagnostic, did_you_mean
from kitchen.ir.places import Place, instance_key, parse_place
from kitchen.ir.visible import visible

if TYPE_CHECKING:
    from kitchen.ir.serde.plan import Plan
    from kitchen.runtime.tasks.decisions import Decisions
    from kitchen.runtime.tasks.instance import Instances
    from kitchen.runtime.tasks.layout import Located


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for, taken apart and found in the plan."""

    instances: Instances
    found: Located
    place: Place
    every: bool

    @property
    def key(self) -> str:
        return instance_key(self.found.node.name, self.place)


@click.command("task")
@click.argument("plan", metavar="PLAN", type=click.Path(path_type=Path))
@click.argument("name", metavar="NAME")
@click.option("--run", "--run-dir", "run", metavar="DIR", required=True,
              help="The folder that all tasks of one run share.")  # fmt: skip
@click.option("--at", metavar="PLACE", default="",
              help="The index in each map and loop around it, joined by dots: `2.0`.")  # fmt: skip
@click.option("--base", metavar="DIR", type=click.Path(path_type=Path),
              help="Where relative data files lie; by default where the recipe lay.")  # fmt: skip
@click.option("--decisions", metavar="DIR", type=click.Path(path_type=Path),
              help="Write what groups go by into DIR, one file each.")  # fmt: skip
@click.option("--decisions-json", metavar="FILE", type=click.Path(path_type=Path),
              help="Write what groups go by into FILE, as one object.")  # fmt: skip
@click.option("--every", is_flag=True, help="List the places of a map or loop everywhere at once.")
@click.option("--quiet", is_flag=True, help="Print nothing but what went wrong.")
@click.option("--traceback", is_flag=True, help="Show where in the code a step failed.")
@click.pass_obj
def command(
    line: CommandLine,
    plan: Path,
    name: str,
    run: str,
    at: str,
    base: Path | None,
    decisions: Path | None,
    decisions_json: Path | None,
    every: bool,
    quiet: bool,
    traceback: bool,
) -> int:
    """Run one task of a plan, as engines do, in the folder that all tasks of one run share.

    A task whose outcome is there is not run again. NAME may be a branch, map or loop: then nothing
    is run, and what it goes by is told. Exit codes: 0 done, 2 bad input, 3 a step failed,
    75 stopped or pre-empted (run it again), 99 not to be run, 130.
    """
    from kitchen.cli import failures
    from kitchen.runtime.lock import LockHeld
    from kitchen.runtime.tasks.decisions import write_decisions

    if _follows():
        click.echo(f"{visible(name)}: the process of rank 0 does it all; this one has no work")
        return DONE
    try:
        asked = _asked(line, plan, name, run=run, at=at, base=base, every=every)
        code, told = _go(asked, quiet)
        if code == DONE:
            write_decisions(told, decisions, decisions_json)
        return code
    except CompileError as error:
        return refuse(error.diagnostics)
    except KeyboardInterrupt:
        return INTERRUPTED
    except LockHeld as error:
        refuse([failures.failure_of(error)[0]])
        return STOPPED  # whoever holds it may be on its way out; an engine tries again
    except failures.RUN_FAULTS as error:
        if failures.wants_traceback(traceback):
            click.echo(failures.traceback_of(error), err=True, nl=False)
        diagnostic, code = failures.failure_of(error)
        refuse([diagnostic])
        return code


def _follows() -> bool:
    """Whether `torchrun` started this process beside one that does the work."""
    return "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("RANK", "0") != "0"


def _go(asked: Asked, quiet: bool) -> tuple[int, Decisions]:
    """Do what is asked for: gives the exit code, and what there is to tell."""
    from kitchen.ir.task_graph import Group, Runs
    from kitchen.runtime.tasks import instance
    from kitchen.runtime.tasks.decisions import everywhere, told_by

    node, values = asked.found.node, asked.instances.values
    refusal = None if asked.every else values.refusal(asked.found, asked.place)
    if refusal is not None:
        return _not_to_be_run(asked, refusal, quiet)
    if isinstance(node, Group):
        told = everywhere(asked.found, values) if asked.every else _answer(asked)
        if not quiet:
            click.echo(visible(json.dumps(told)))
        return DONE, told
    status = _run(asked, quiet)
    if status == instance.NOT_TO_BE_RUN:
        return _not_to_be_run(asked, "nothing failed", quiet)
    if status == instance.STOPPED:
        return STOPPED, {}
    ready = node.runs is Runs.READY
    return DONE, told_by(asked.found, asked.place, values) if ready else {}


def _answer(asked: Asked) -> Decisions:
    from kitchen.runtime.tasks.decisions import asked as answer

    return answer(asked.found, asked.place, asked.instances.values)


def _not_to_be_run(asked: Asked, why: str, quiet: bool) -> tuple[int, Decisions]:
    if not quiet:
        click.echo(visible(f"{asked.key} is not to be run: {why}"))
    return NOT_TO_BE_RUN, {}


def _run(asked: Asked, quiet: bool) -> str:
    from kitchen.cli.display import display
    from kitchen.runtime.signals import StopRequest

    stop, instances = StopRequest(), asked.instances
    with display(f"{asked.key} in {instances.run}", stop, quiet) as (listeners, report):
        return instances.go(asked.found, asked.place, listeners=listeners, stop=stop, report=report)


# -------------------------------------------------------------------------------- what was asked


def _asked(
    line: CommandLine,
    path: Path,
    name: str,
    *,
    run: str,
    at: str,
    base: Path | None,
    every: bool,
) -> Asked:
    """What the command line asks for. Raises CompileError where that cannot be."""
    from kitchen.execution import cache_folder
    from kitchen.runtime.tasks.instance import Instances
    from kitchen.runtime.tasks.shared_folder import join, writer_of

    data = _read(line, path)
    plan = _plan(line, path, data)
    folder = _folder(line, run)
    instances = Instances(
        plan=plan, run=folder, base=base or path.parent / plan.base, cache=cache_folder()
    )
    found = instances.layout.by_name.get(name)
    if found is None:
        known = did_you_mean(name, instances.layout.by_name)
        help = known or "`kitchen compile RECIPE --show tasks` lists them"
        raise _fault(line, "K505", f"the plan has no task `{name}`", name, help)
    place = _place(line, found, at, every)
    join(folder, plan, data, instances.base, writer_of(name, place))
    return Asked(instances, found, place, every)


def _read(line: CommandLine, path: Path) -> bytes:
    from kitchen.ir.serde.plan import unpacked

    try:
        return unpacked(path.read_bytes())
    except OSError as cause:
        message = f"`{path}` cannot be read: {(cause.strerror or str(cause)).lower()}"
        help = "`kitchen export RECIPE --to TARGET -o DIR` writes a `plan.json`"
        raise _fault(line, "K502", message, str(path), help) from cause


def _plan(line: CommandLine, path: Path, data: bytes) -> Plan:
    from kitchen.ir.serde.plan import PlanError, read_plan

    try:
        return read_plan(data)
    except PlanError as error:
        raise _fault(line, error.code, str(error), str(path), error.help) from error


def _folder(line: CommandLine, run: str) -> Path:
    scheme, rest = urlsplit(run).scheme if "://" in run else "", run
    if scheme == "file":
        parts = urlsplit(run)
        if parts.netloc in ("", "localhost") and parts.path:
            return Path(unquote(parts.path))
    elif not scheme and rest:
        return Path(rest)
    help = "give a path, or `file:///PATH`, on a disk that all tasks of the run see"
    raise _fault(line, "K507", f"tasks cannot share `{run}`", run, help)


def _place(line: CommandLine, found: Located, at: str, every: bool) -> Place:
    """The place that is meant. Raises CompileError where the node has no such place."""
    from kitchen.ir.program import Loop
    from kitchen.ir.task_graph import Group

    node, depth = found.node, found.depth
    if every and not isinstance(node, Group):
        help = "it asks a map or loop for its places; leave it out to run the task"
        raise _fault(line, "K506", f"`{node.name}` is a task, and has no list", "--every", help)
    try:
        place = parse_place(at)
    except ValueError as cause:
        help = "a place is one index for each map and loop, joined by dots: `--at 2.0`"
        raise _fault(line, "K506", f"`--at {at}` is no place", at, help) from cause
    depths = {0} if every else {depth}
    if isinstance(node, Group) and isinstance(node.op, Loop) and not every:
        depths.add(depth + 1)  # after an iteration
    if len(place) not in depths:
        around = "no map or loop" if depth == 0 else f"{depth} maps and loops"
        message = f"there is {around} around `{node.name}`, and `--at` has {len(place)} indices"
        help = "give one index for each, outermost first: `--at 2.0`"
        raise _fault(line, "K506", message, at or None, help)
    return place


def _fault(line: CommandLine, code: str, message: str, at: str | None, help: str) -> CompileError:
    fault: Diagnostic = line.fault(code, message, at, "", help)
    return CompileError([fault])
