"""`kitchen diff`: what changed in meaning between two recipes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from kitchen.cli.application import DONE
from kitchen.cli.command_line import CommandLine
from kitchen.cli.recipe import load_recipe
from kitchen.cli.terminal import page
from kitchen.ir.diagnostic import CompileError

Json = dict[str, Any]


@click.command("diff")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
              help="Give a parameter of B a value. Repeatable.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text",
              help="`text` by default.")  # fmt: skip
@click.pass_obj
def command(
    line: CommandLine, before: str, after: str, settings: tuple[str, ...], form: str
) -> int:
    """Show what changed in meaning from A to B: parameters, ports, steps.

    Each is a recipe, or the folder of a run.
    """
    from kitchen.cli.diff_text import diff_text
    from kitchen.cli.plan_diff import plan_diff

    old, new = _plan(line, before, ()), _plan(line, after, settings)
    changes = plan_diff(old, new)
    if form == "json":
        click.echo(json.dumps(changes, indent=1))
    else:
        click.echo(diff_text(changes, page(sys.stdout)), nl=False)
    return DONE


def _plan(line: CommandLine, named: str, settings: Iterable[str]) -> Json:
    """The plan of a recipe, or the one that a run began with."""
    path = Path(named)
    if not path.is_dir():
        loaded = load_recipe(line, named, settings)
        return loaded.plan(loaded.compiled())
    from kitchen.runtime.status import read_object

    plan = read_object(path / "plan.json")
    if plan is None or plan.get("version") != 1:
        message = f"`{named}` holds no run with a plan that can be read"
        help = "name a recipe, or the folder of a run"
        raise CompileError([line.fault("K704", message, named, "", help)])
    return plan
