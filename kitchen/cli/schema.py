"""`kitchen schema`: JSON Schema of what kitchen reads and writes, for editors and scripts."""

from __future__ import annotations

import json
from pathlib import Path

import click

from kitchen.cli.application import DONE
from kitchen.cli.command_line import CommandLine
from kitchen.ir.diagnostic import CompileError, did_you_mean

KINDS = ("recipe", "template", "plan")


@click.command("schema")
@click.argument("kind", metavar="[KIND]", default="recipe", type=click.Choice(KINDS))
@click.option("--workflow", metavar="NAME", help="Only the parameters of this workflow.")
@click.pass_obj
def command(line: CommandLine, kind: str, workflow: str | None) -> int:
    """Print a JSON Schema. KIND is recipe (if none is given), template or plan.

    Editors check and complete recipes with it: `# yaml-language-server: $schema=recipe.json`.
    """
    if kind == "plan":
        click.echo(plan_schema_text(), nl=False)
        return DONE
    from kitchen.cli.json_schema import recipe_schema, template_schema
    from kitchen.loaded import registry

    installed = registry()
    if workflow is not None and workflow not in installed.workflows:
        message = f"there is no workflow `{workflow}`"
        help = did_you_mean(workflow, installed.workflows) or "`kitchen list workflows` lists them"
        raise CompileError([line.fault("K096", message, workflow, "", help)])
    chosen = [*installed.workflows] if workflow is None else [workflow]
    schema = recipe_schema(installed, chosen) if kind == "recipe" else template_schema(installed)
    click.echo(json.dumps(schema, indent=1))
    return DONE


def plan_schema_text() -> str:
    """The schema of the plan, as it lies beside the code that makes plans."""
    import kitchen.compiler

    (folder,) = kitchen.compiler.__path__
    return (Path(folder) / "plan.schema.json").read_text(encoding="utf-8")
