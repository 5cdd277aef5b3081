"""`kitchen runs`: the runs under a folder."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from kitchen.cli.application import DONE
from kitchen.cli.terminal import BOLD, DIM, RED, Page, Word, page, words
from kitchen.ir.visible import width
from kitchen.runtime.status import RunSummary


@click.command("runs")
@click.argument("folder", metavar="[DIR]", default="runs", type=click.Path(path_type=Path))
def command(folder: Path) -> int:
    """List the runs under DIR (`runs` by default), with how far each came."""
    from kitchen.runtime.run_directory import list_runs

    found = list_runs(folder)
    paper = page(sys.stdout)
    if not found:
        click.echo(paper.shown(words(f"no runs under {folder}", DIM)))
        return DONE
    click.echo("\n".join(run_lines(found, paper)))
    return DONE


def run_lines(runs: list[RunSummary], paper: Page) -> list[str]:
    """One line a run: folder, state, steps, when it last moved; and what went wrong."""
    from kitchen.cli.report_text import STATES

    names = max(width(str(run.path)) for run in runs) + 2
    lines: list[str] = []
    for run in runs:
        cells = [
            ([Word(str(run.path), BOLD)], names),
            ([Word(run.state, STATES.get(run.state, RED))], 12),
        ]
        lines += paper.row(cells, words(_facts(run)))
    return lines


def _facts(run: RunSummary) -> str:
    parts = []
    status = run.status
    if status is not None:
        total = "" if status.total_steps is None else f" of {status.total_steps:,}"
        parts.append(f"{status.step:,}{total} steps")
        if status.updated:
            parts.append(time.strftime("%Y-%m-%d %H:%M", time.localtime(status.updated)))
    fault = run.fault or (status.error if status else None)
    if fault:
        parts.append(fault)
    return ", ".join(parts)
