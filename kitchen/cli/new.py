"""`kitchen new`: a recipe to start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from kitchen.cli.application import DONE
from kitchen.cli.command_line import CommandLine
from kitchen.cli.yaml_text import yaml_value
from kitchen.compiler.frontend.syntax import (
    IfStep,
    LoopStep,
    MapStep,
    StageStep,
    Step,
    Template,
    WorkflowStep,
)
from kitchen.ir.diagnostic import CompileError, did_you_mean
from kitchen.ir.program import Stage
from kitchen.ir.source import Source
from kitchen.ir.spec import Registry, Setting
from kitchen.ir.visible import visible
from kitchen.ir.walk import walk

#: What stands in a new recipe for a value that only its author knows, by the type's name.
PLACEHOLDERS = {"Str": "CHANGE-ME", "Int": 0, "Float": 0.0, "Bool": False, "List": ["CHANGE-ME"]}
#: Adapters that a new recipe names where they are installed, best first.
USUAL = ("torch", "files", "parquet")


@click.command("new")
@click.argument("workflow")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.pass_obj
def command(line: CommandLine, workflow: str, file: Path | None) -> int:
    """Write a commented recipe for a workflow to FILE, or to the terminal."""
    from kitchen.compiler.frontend.parse import parse_template
    from kitchen.loaded import registry

    installed = registry()
    if workflow not in installed.workflows:
        message = f"there is no workflow `{workflow}`"
        help = did_you_mean(workflow, installed.workflows) or "`kitchen list workflows` lists them"
        raise CompileError([line.fault("K096", message, workflow, "", help)])
    template, diagnostics = parse_template(installed.workflows[workflow])
    if template is None:
        raise CompileError(diagnostics)
    name = "recipe" if file is None else file.stem
    text = recipe_text(name, workflow, template, installed)
    if file is None:
        click.echo(text, nl=False)
    else:
        _write(line, file, text)
        click.echo(visible(f"wrote {file}; next: kitchen compile {file}"))
    return DONE


def recipe_text(name: str, workflow: str, template: Template, installed: Registry) -> str:
    """A recipe with all that must be given, and the defaults and what they leave idle in comments.

    Which ports are idle is seen by compiling it with all of them.
    """
    ports = sorted(set(_ports(template.steps + template.finally_, installed)))
    adapters = {port: line for port in ports if (line := _adapter(port, installed)) is not None}
    begin = list(_document(name, workflow, template))
    whole = "\n".join([*begin, *(f"  {line}" for line in adapters.values())]) + "\n"
    live = _live_ports(whole, installed)
    lines = (f"  {line}" if port in live else f"  # {line}" for port, line in adapters.items())
    return "\n".join([*begin, *lines]) + "\n"


def _document(name: str, workflow: str, template: Template) -> Iterator[str]:
    """What must be given comes first, then every default in a comment."""
    settings = [param.setting for param in template.params]
    yield f"# {template.doc or workflow}"
    yield f"#   kitchen compile {name}.yaml    what will run, and why"
    yield f"#   kitchen run {name}.yaml        on this machine"
    yield "kitchen: 1"
    yield f"recipe: {yaml_value(name)}"
    yield f"workflow: {yaml_value(workflow)}"
    yield "params:"
    yield from (_given(setting) for setting in settings if setting.required)
    yield "  # These are the defaults; take away the `#` to change one."
    yield from (_default(setting) for setting in settings if not setting.required)
    yield "adapters:"


def _adapter(port: str, installed: Registry) -> str | None:
    """The line that binds a port to its usual adapter; None where there is none to bind."""
    adapters = sorted(installed.adapters.get(port, ()))
    usual = next((name for name in (*USUAL, *adapters) if name in adapters), None)
    if usual is None:
        return None
    settings = installed.adapters[port][usual].config
    asked = [f"{s.name}: {yaml_value(_placeholder(s))}" for s in settings if s.required]
    bound = f"{{use: {usual}, {', '.join(asked)}}}" if asked else usual
    return f"{port}: {bound}  # {' or '.join(adapters)}"


def _live_ports(text: str, installed: Registry) -> frozenset[str]:
    """The ports that the steps of a recipe reach the world through; all if it has a fault."""
    from kitchen.compiler.compile import compile_recipe

    try:
        program = compile_recipe(Source("new", text), installed).program
    except CompileError:
        return frozenset(installed.adapters)
    stages = (op.stage for op in walk(program.body) if isinstance(op, Stage))
    return frozenset(use.port for name in stages for use in installed.stages[name].ports)


def _given(setting: Setting) -> str:
    return f"  {setting.name}: {yaml_value(_placeholder(setting))}{_comment(setting)}"


def _placeholder(setting: Setting) -> Any:
    return setting.choices[0] if setting.choices else PLACEHOLDERS.get(setting.type.name)


def _default(setting: Setting) -> str:
    return f"  # {setting.name}: {yaml_value(setting.default)}{_comment(setting)}"


def _comment(setting: Setting) -> str:
    choices = f"one of {', '.join(map(yaml_value, setting.choices))}" if setting.choices else ""
    said = "; ".join(part for part in (setting.doc, choices) if part)
    return f"  # {said}" if said else ""


def _ports(steps: tuple[Step, ...], installed: Registry) -> Iterator[str]:
    """The port of every stage that steps name, and those of the workflows that they inline."""
    for step in steps:
        match step:
            case StageStep():
                if step.stage.text in installed.stages:
                    yield from (use.port for use in installed.stages[step.stage.text].ports)
            case LoopStep() | MapStep():
                yield from _ports(step.steps, installed)
            case IfStep():
                yield from _ports(step.then + step.orelse, installed)
            case WorkflowStep():
                yield from _ports_of(step.workflow.text, installed)


def _ports_of(workflow: str, installed: Registry) -> Iterator[str]:
    from kitchen.compiler.frontend.parse import parse_template

    if workflow in installed.workflows:
        template, _ = parse_template(installed.workflows[workflow])
        if template is not None:
            yield from _ports(template.steps + template.finally_, installed)


def _write(line: CommandLine, file: Path, text: str) -> None:
    """Make a file, and never write over one."""
    from kitchen.runtime.manifest import StorageError
    from kitchen.runtime.store import commit_file

    def refuse(message: str, help: str) -> CompileError:
        return CompileError([line.fault("K095", message, str(file), "", help)])

    if file.exists():
        raise refuse(f"`{file}` is there already", "choose another name, or remove it first")
    try:
        commit_file(file, text.encode())
    except StorageError as cause:
        raise refuse(str(cause), "choose another folder") from cause
