"""`kitchen new`: a recipe to start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
)
from kitchen.ir.diagnostic import CompileError, did_you_mean
from kitchen.ir.spec import Registry, Setting
from kitchen.ir.visible import visible

#: What stands in a new recipe for a value that only its author knows, by the type's name.
PLACEHOLDERS = {"Str": "CHANGE-ME", "Int": 0, "Float": 0.0, "Bool": False}
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
    text = "\n".join(recipe_lines(name, workflow, template, installed)) + "\n"
    if file is None:
        click.echo(text, nl=False)
    else:
        _write(line, file, text)
        click.echo(visible(f"wrote {file}; next: kitchen compile {file}"))
    return DONE


def recipe_lines(
    name: str, workflow: str, template: Template, installed: Registry
) -> Iterator[str]:
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
    for port, always in sorted(_ports(template, installed).items()):
        adapters = sorted(installed.adapters.get(port, ()))
        usual = next((name for name in (*USUAL, *adapters) if name in adapters), None)
        if usual is None:
            continue
        lead = "  " if always else "  # "
        yield f"{lead}{port}: {usual}  # {' or '.join(adapters)}"


def _given(setting: Setting) -> str:
    value = setting.choices[0] if setting.choices else PLACEHOLDERS.get(setting.type.name)
    return f"  {setting.name}: {yaml_value(value)}{_comment(setting)}"


def _default(setting: Setting) -> str:
    return f"  # {setting.name}: {yaml_value(setting.default)}{_comment(setting)}"


def _comment(setting: Setting) -> str:
    choices = f"one of {', '.join(map(yaml_value, setting.choices))}" if setting.choices else ""
    said = "; ".join(part for part in (setting.doc, choices) if part)
    return f"  # {said}" if said else ""


def _ports(template: Template, installed: Registry) -> dict[str, bool]:
    """The ports of every stage that the template names, and whether it is always run."""
    ports: dict[str, bool] = {}
    for stage, always in _stages(template.steps + template.finally_, True):
        if stage in installed.stages:
            for use in installed.stages[stage].ports:
                ports[use.port] = ports.get(use.port, False) or always
    return ports


def _stages(steps: tuple[Step, ...], always: bool) -> Iterator[tuple[str, bool]]:
    for step in steps:
        match step:
            case StageStep():
                yield step.stage.text, always and step.when is None
            case LoopStep() | MapStep():
                yield from _stages(step.steps, always and step.when is None)
            case IfStep():
                yield from _stages(step.then + step.orelse, False)


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
