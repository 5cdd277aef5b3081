"""`kitchen compile`: what will run, how often, on what, and what was removed and why."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from kitchen.cli.application import BAD_INPUT, DONE, refuse
from kitchen.cli.command_line import CommandLine
from kitchen.cli.recipe import load_recipe, recipe_argument, set_option
from kitchen.cli.terminal import Page, page
from kitchen.ir.diagnostic import CompileError, Diagnostic, did_you_mean

if TYPE_CHECKING:
    from kitchen.compiler.compile import Compiled
    from kitchen.loaded import Loaded

#: What can be shown, and the formats it has. `github` and `sarif` show diagnostics alone.
FORMATS = {
    "plan": ("text", "json", "mermaid", "dot", "github", "sarif"),
    "tasks": ("text", "json", "mermaid", "dot", "github", "sarif"),
    "ir": ("text", "json", "github", "sarif"),
    "source": ("text", "github", "sarif"),
}


@click.command("compile")
@recipe_argument
@set_option
@click.option("--show", type=click.Choice([*FORMATS]), help="What to show; `plan` by default.")
@click.option("--after", metavar="PASS", help="Show the program as that rewrite leaves it.")
@click.option("--format", "form", type=click.Choice(FORMATS["plan"]), default="text",
              help="`text` by default.")  # fmt: skip
@click.option("--probe", is_flag=True, help="Read the first rows of the data, too.")
@click.pass_obj
def command(
    line: CommandLine,
    recipe: str,
    settings: tuple[str, ...],
    show: str | None,
    after: str | None,
    form: str,
    probe: bool,
) -> int:
    """Check a recipe and show what it would run."""
    shown = show or ("plan" if after is None else "ir")
    if form not in FORMATS[shown]:
        message = f"`--show {shown}` has no format `{form}`"
        help = "known: " + ", ".join(f"`{known}`" for known in FORMATS[shown])
        return refuse([line.fault("K093", message, form, "", help)])
    from kitchen.compiler.frontend.reader import paused_collection

    try:
        with paused_collection():  # the process ends soon: nothing is worth collecting
            if after is not None:
                _check_pass(line, after)
            loaded = load_recipe(line, recipe, settings)
            compiled = loaded.compiled(after)
            text = _shown(loaded, compiled, shown, form)
        if probe:
            text += _probed(loaded, compiled, shown=form == "text")
    except CompileError as error:
        return _refuse(error.diagnostics, form)
    click.echo(text, nl=False)
    return DONE


def _shown(loaded: Loaded, compiled: Compiled, shown: str, form: str) -> str:
    match shown, form:
        case "tasks", _:
            return _tasks(loaded, compiled, form)
        case _, "github" | "sarif":
            return _annotations(compiled.diagnostics, form)
        case "plan", "text":
            from kitchen.cli.plan_text import plan_text

            paper = page(sys.stdout)
            return _warned(plan_text(loaded.plan(compiled), paper), compiled.diagnostics, paper)
        case "plan", "json":
            return json.dumps(loaded.plan(compiled), indent=1) + "\n"
        case "plan", _:
            from kitchen.cli.drawing import dot, drawing_of, mermaid

            drawing = drawing_of(compiled.program)
            return mermaid(drawing) if form == "mermaid" else dot(drawing)
        case "ir", "json":
            from kitchen.ir.serde import program_to_json

            return json.dumps(program_to_json(compiled.program), indent=1) + "\n"
        case "ir", _:
            from kitchen.ir.text import program_text

            return program_text(compiled.program).rstrip("\n") + "\n"
    from kitchen.cli.source_text import source_text

    return source_text(loaded.source, compiled.original)


def _tasks(loaded: Loaded, compiled: Compiled, form: str) -> str:
    """The program in tasks. Raises CompileError where it cannot be cut into tasks."""
    from kitchen.cli.tasks_text import tasks_text
    from kitchen.compiler.partition import partition
    from kitchen.compiler.partition.as_json import tasks_of
    from kitchen.ir.diagnostic import demand
    from kitchen.ir.render import render_text

    graph, faults = partition(compiled.program, loaded.registry)
    diagnostics = demand(compiled.diagnostics + faults)
    if form in ("github", "sarif"):
        return _annotations(diagnostics, form)
    if form in ("mermaid", "dot"):
        from kitchen.cli.drawing import dot, mermaid
        from kitchen.cli.task_drawing import drawing_of_tasks

        drawing = drawing_of_tasks(compiled.program.name, graph)
        return mermaid(drawing) if form == "mermaid" else dot(drawing)
    tasks = tasks_of(compiled.program, graph, diagnostics)
    if form == "json":
        return json.dumps(tasks, indent=1) + "\n"
    paper = page(sys.stdout)
    warnings = render_text(diagnostics, colour=paper.colour)
    text = tasks_text(tasks, paper)
    return f"{text}\n{warnings}" if warnings else text


def _annotations(diagnostics: Sequence[Diagnostic], form: str) -> str:
    from kitchen.ir.formats import render_github, render_sarif

    if form == "github":
        return render_github(diagnostics)
    return json.dumps(render_sarif(diagnostics), indent=1) + "\n"


def _refuse(diagnostics: Sequence[Diagnostic], form: str) -> int:
    """Show what is wrong, in the format asked for; scripts read it where they read a plan."""
    from kitchen.ir.formats import render_json

    if form in ("github", "sarif"):
        click.echo(_annotations(diagnostics, form), nl=False)
        return BAD_INPUT
    if form == "json":
        click.echo(json.dumps({"version": 1, "diagnostics": render_json(diagnostics)}, indent=1))
        return BAD_INPUT
    return refuse(diagnostics)


def _check_pass(line: CommandLine, name: str) -> None:
    from kitchen.compiler.rewrites import REWRITES

    known = [rewrite.__name__ for rewrite in REWRITES]
    if name not in known:
        message = f"there is no rewrite `{name}`"
        help = did_you_mean(name, known) or "`kitchen compile --help` says more"
        raise CompileError([line.fault("K093", message, name, "", help)])


def _probed(loaded: Loaded, compiled: Compiled, *, shown: bool) -> str:
    """What training would see. Raises CompileError where it would see nothing."""
    from kitchen.cli.failures import failure_of
    from kitchen.cli.probe_text import probe_text
    from kitchen.execution import look_at_data
    from kitchen.runtime.environment import BindError

    try:
        report, diagnostics = look_at_data(loaded, compiled)
    except BindError as error:
        raise CompileError([failure_of(error)[0]]) from error
    if not shown:
        return ""
    paper = page(sys.stdout)
    text = "" if report is None else "\n" + probe_text(report, paper)
    return _warned(text, diagnostics, paper)


def _warned(text: str, diagnostics: Sequence[Diagnostic], paper: Page) -> str:
    """A text with the warnings below it."""
    if not diagnostics:
        return text
    from kitchen.ir.render import render_text

    return f"{text}\n{render_text(diagnostics, colour=paper.colour)}"
