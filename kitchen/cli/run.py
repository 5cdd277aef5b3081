"""`kitchen run`: run a recipe here, or go on with a run."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kitchen.cli.application import DONE, INTERRUPTED, STOPPED, refuse
from kitchen.cli.command_line import CommandLine
from kitchen.cli.display import display, passing, say, tell, warn
from kitchen.cli.recipe import load_recipe, set_option
from kitchen.cli.terminal import page
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.visible import visible

if TYPE_CHECKING:
    from kitchen.compiler.compile import Compiled
    from kitchen.execution import Prepared
    from kitchen.loaded import Loaded
    from kitchen.task_execution import PreparedTasks


@click.command("run")
@click.argument("recipe", metavar="[RECIPE]", required=False)
@click.option("--resume", metavar="DIR", type=click.Path(path_type=Path),
              help="Go on with the run in DIR, from its last checkpoint.")  # fmt: skip
@click.option("--run-dir", metavar="DIR", type=click.Path(path_type=Path),
              help="Put everything of the run under DIR; `runs/RECIPE-N` by default.")  # fmt: skip
@set_option
@click.option("--quiet", is_flag=True, help="Print nothing but what went wrong.")
@click.option("--dry-run", is_flag=True, help="Check all that can be checked, and run nothing.")
@click.option(
    "--probe/--no-probe",
    default=True,
    help="Read the first rows of the data before anything runs; on by default.",
)
@click.option("--tasks", is_flag=True, help="Run each task in a process of its own, as engines do.")
@click.option("--parallel", metavar="N", type=click.IntRange(min=1),
              help="How many tasks at once; by default one a processor.")  # fmt: skip
@click.option("--traceback", is_flag=True, help="Show where in the code a step failed.")
@click.pass_obj
def command(
    line: CommandLine,
    recipe: str | None,
    resume: Path | None,
    run_dir: Path | None,
    settings: tuple[str, ...],
    quiet: bool,
    dry_run: bool,
    probe: bool,
    tasks: bool,
    parallel: int | None,
    traceback: bool,
) -> int:
    """Run a recipe on this machine.

    The first Ctrl-C finishes the step, keeps a checkpoint and exits with 75; the second one
    stops at once. Exit codes: 0 done, 2 bad input, 3 a step failed, 75 stopped, 130.
    """
    options = {"--set": settings, "--run-dir": run_dir, "--dry-run": dry_run}
    given = [name for name, value in options.items() if value]
    fault = _misplaced(line, recipe, resume, given, alone=parallel is not None and not tasks)
    if fault is not None:
        return refuse([fault])
    from kitchen.cli import failures

    prepared: Prepared | PreparedTasks | None = None
    try:
        if resume is not None:
            prepared = _reopened(resume, quiet, tasks=tasks or parallel is not None)
        else:
            loaded = load_recipe(line, recipe or "", settings)
            compiled = _checked(loaded, quiet=quiet, probe=probe)
            prepare = _could_run if dry_run else _prepared
            prepared = prepare(loaded, compiled, run_dir, tasks=tasks, quiet=quiet)
        return DONE if prepared is None else _run(prepared, quiet, parallel, traceback)
    except KeyboardInterrupt:
        return INTERRUPTED
    except failures.RUN_FAULTS as error:
        if failures.wants_traceback(traceback):
            click.echo(failures.traceback_of(error), err=True, nl=False)
        params = prepared.program.params if prepared is not None else ()
        diagnostic, code = failures.failure_of(error, params)
        refuse([diagnostic])
        return code


def _misplaced(
    line: CommandLine, recipe: str | None, resume: Path | None, options: list[str], *, alone: bool
) -> Diagnostic | None:
    """What cannot stand together on the command line."""
    help = "`kitchen run RECIPE` begins a run, `kitchen run --resume DIR` goes on with one"
    if recipe is None and resume is None:
        return line.fault("K092", "`kitchen run` needs a recipe", None, "missing", help)
    if recipe is not None and resume is not None:
        message = "a run that goes on has its recipe in its folder"
        return line.fault("K093", message, recipe, "", help)
    if resume is not None and options:
        message = f"`{options[0]}` cannot be given to a run that goes on"
        return line.fault("K093", message, options[0], "", help)
    if resume is None and alone:
        help = "add `--tasks`: without it a recipe runs in one process"
        return line.fault("K093", "`--parallel` is a number of tasks", "--parallel", "", help)
    return None


def _checked(loaded: Loaded, *, quiet: bool, probe: bool) -> Compiled:
    """The program of a recipe that is worth running; warnings are told."""
    compiled = loaded.compiled()
    if not quiet:
        warn(compiled.diagnostics)
    if probe:
        from kitchen.execution import look_at_data

        with passing("looking at the first rows of the data", quiet):
            _, warnings = look_at_data(loaded, compiled)
        if not quiet:
            warn(warnings)
    return compiled


def _prepared(
    loaded: Loaded, compiled: Compiled, run_dir: Path | None, *, tasks: bool, quiet: bool
) -> Prepared | PreparedTasks | None:
    """A run that can begin, in its folder."""
    if tasks:
        from kitchen.task_execution import prepare_tasks

        return prepare_tasks(loaded, compiled, run_dir)
    from kitchen.execution import prepare

    return prepare(loaded, compiled, run_dir)


def _could_run(
    loaded: Loaded, compiled: Compiled, run_dir: Path | None, *, tasks: bool, quiet: bool
) -> None:
    """Check what can be checked without running anything."""
    from kitchen.execution import RUNS, next_folder, try_adapters

    if tasks:
        from kitchen.task_execution import cut

        cut(loaded, compiled)
    try_adapters(loaded, compiled)
    path = run_dir or next_folder(RUNS, compiled.program.name)
    if not quiet:
        click.echo(visible(f"{loaded.path} can run; it would do so in {path}"))


def _reopened(path: Path, quiet: bool, *, tasks: bool) -> Prepared | PreparedTasks | None:
    """A run that can go on, `tasks` only if it is one in tasks; None where it is done."""
    from kitchen.execution import find_run, reopen
    from kitchen.runtime.run_directory import RunError
    from kitchen.runtime.tasks.shared_folder import runs_in_tasks

    directory = find_run(path)
    status = directory.status()
    if status is None or status.state != "done":
        if runs_in_tasks(directory.record()):
            from kitchen.task_execution import reopen_tasks

            return reopen_tasks(path, tell)
        if tasks:
            raise RunError(
                f"`{path}` was begun in one process, and goes on in one",
                help="leave `--tasks` and `--parallel` out, or begin a new run with `--tasks`",
            )
        return reopen(path, tell)
    if not quiet:
        click.echo(f"{visible(str(path))} is done; there is nothing to go on with")
    return None


def _run(
    prepared: Prepared | PreparedTasks, quiet: bool, parallel: int | None, traceback: bool
) -> int:
    from kitchen.execution import Prepared
    from kitchen.runtime.signals import StopRequest

    stop, path = StopRequest(), prepared.directory.path
    heading = f"{prepared.program.name} in {path}"
    if isinstance(prepared, Prepared):
        with display(heading, stop, quiet) as (listeners, report):
            code = DONE if prepared.run(listeners, stop, report) == "done" else STOPPED
    else:
        if not quiet:
            _say(heading)
        code = prepared.run(
            stop,
            parallel=parallel or os.cpu_count() or 1,
            say=None if quiet else _say,
            complain=_complain,
            options=("--traceback",) if traceback else (),
        )
    if not quiet and code in (DONE, STOPPED):
        _summarise(path)
    return code


def _say(message: str) -> None:
    say(visible(message))


def _complain(message: str) -> None:
    """Pass on what a task said was wrong; it has rendered that itself."""
    say(message, error=True, end=False)


def _summarise(path: Path) -> None:
    from kitchen.cli.run_report import read_curves, run_report
    from kitchen.cli.run_summary import summary_text

    curves = read_curves(path)
    summary = summary_text(run_report(path, curves), curves, page(sys.stdout))
    say("\n" + summary, end=False)
