"""A recipe as it is named on the command line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from kitchen.cli.command_line import CommandLine
from kitchen.ir.diagnostic import CompileError
from kitchen.loaded import Loaded, registry

#: `RECIPE`, `--set`: the same wherever a recipe is read.
recipe_argument = click.argument("recipe", metavar="RECIPE")
set_option = click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE",
    help="Give a parameter a value; `adapters.PORT=NAME` chooses an adapter. Repeatable.",
)  # fmt: skip


def load_recipe(line: CommandLine, recipe: str, settings: Iterable[str]) -> Loaded:
    """Read what the command line names. Raises CompileError for what cannot be read."""
    from kitchen.compiler.frontend.reader import load

    overrides = overrides_of(line, settings)
    path = Path(recipe)
    source, diagnostics = load(path, name=recipe, named_at=line.span(recipe))
    if source is None:
        raise CompileError(diagnostics)
    return Loaded(path, source, overrides, registry())


def overrides_of(line: CommandLine, settings: Iterable[str]) -> dict[str, str]:
    """`name=value` of each `--set`; the last one of a name counts."""
    overrides: dict[str, str] = {}
    faults = []
    for setting in settings:
        name, equals, value = setting.partition("=")
        if equals and name.strip():
            overrides[name.strip()] = value
        else:
            message = f"`--set {setting}` gives nothing a value"
            help = "write `--set name=value`"
            faults.append(line.fault("K094", message, setting, "", help))
    if faults:
        raise CompileError(faults)
    return overrides
