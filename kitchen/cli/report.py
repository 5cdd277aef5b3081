"""`kitchen report`: how a run went, or goes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from kitchen.cli.application import DONE, refuse
from kitchen.cli.failures import failure_of
from kitchen.cli.terminal import page
from kitchen.runtime.run_directory import RunError


@click.command("report")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text",
              help="`text` by default.")  # fmt: skip
def command(run: Path, form: str) -> int:
    """Show the state, the curves and the samples of a run, while it goes on or after."""
    from kitchen.cli.report_text import report_text
    from kitchen.cli.run_report import read_curves, run_report
    from kitchen.execution import find_run

    try:
        directory = find_run(run)
    except RunError as error:
        diagnostic, _ = failure_of(error)
        return refuse([diagnostic])
    curves = read_curves(directory.path)
    report = run_report(directory.path, curves)
    if form == "json":
        click.echo(json.dumps(report, indent=1))
    else:
        click.echo(report_text(report, curves, page(sys.stdout)), nl=False)
    return DONE
