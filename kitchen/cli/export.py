"""`kitchen export`: a recipe as a workflow for an engine, in a folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kitchen.cli.application import BAD_INPUT, DONE, refuse
from kitchen.cli.command_line import CommandLine
from kitchen.cli.recipe import load_recipe, recipe_argument, set_option
from kitchen.cli.terminal import BLUE, BOLD, DIM, YELLOW, Page, Word, page, words
from kitchen.compiler.targets import NAMES
from kitchen.ir.diagnostic import CompileError

if TYPE_CHECKING:
    from kitchen.exporting import Written


@click.command("export")
@recipe_argument
@click.option("--to", "target", type=click.Choice(NAMES), required=True,
              help="The engine; `kitchen list targets` says what each is.")  # fmt: skip
@click.option("-o", "--output", "folder", metavar="DIR", required=True,
              type=click.Path(path_type=Path),
              help="The folder to write: a new one, or an earlier export.")  # fmt: skip
@set_option
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text",
              help="`text` by default.")  # fmt: skip
@click.pass_obj
def command(
    line: CommandLine, recipe: str, target: str, folder: Path, settings: tuple[str, ...], form: str
) -> int:
    """Write a recipe out as a workflow for an engine.

    DIR has the workflow, the plan that its tasks read, and a README that says how to submit it.
    """
    from kitchen.cli.failures import failure_of
    from kitchen.exporting import export_to, facts
    from kitchen.ir.formats import render_json
    from kitchen.runtime.manifest import StorageError

    try:
        written = export_to(load_recipe(line, recipe, settings), target, folder)
    except CompileError as error:
        if form == "json":
            found = {"version": 1, "diagnostics": render_json(error.diagnostics)}
            click.echo(json.dumps(found, indent=1))
            return BAD_INPUT
        raise
    except StorageError as error:
        diagnostic, code = failure_of(error)
        refuse([diagnostic])
        return code
    if form == "json":
        click.echo(json.dumps({"target": target, **facts(written)}, indent=1))
    else:
        click.echo(export_text(written, target, page(sys.stdout)), nl=False)
    return DONE


def export_text(written: Written, target: str, paper: Page) -> str:
    """What was written, what stays in one task and why, and the warnings."""
    from kitchen.ir.render import render_text

    warnings = render_text(written.export.diagnostics, colour=paper.colour)
    text = "\n".join(_lines(written, target, paper)) + "\n"
    return f"{text}\n{warnings}" if warnings else text


def _lines(written: Written, target: str, paper: Page) -> Iterator[str]:
    from kitchen.ir.serde import digest

    export = written.export
    program = export.program
    count = sum(1 for _ in export.graph.tasks())
    title = [Word(program.name, BOLD), Word("·", DIM)]
    title += words(f"{count} task{'' if count == 1 else 's'} for {target}")
    title += [Word("·", DIM), *words(f"plan {digest(program)[:12]}", DIM)]
    yield paper.shown(title)
    yield ""
    yield from _files(written, paper)
    if export.whole:
        yield ""
        yield paper.shown([Word("in one task", BLUE)])
        for name, reason in export.whole.items():
            yield from paper.row([([Word(f"  {name}", BOLD)], 4 + len(name))], words(reason, DIM))
    yield ""
    yield paper.shown([Word("next", BLUE), Word(str(written.folder / "README.md"))])


def _files(written: Written, paper: Page) -> Iterator[str]:
    """The files with their sizes; over an earlier export, what is another now."""
    yield paper.shown([Word(f"{written.folder}/", BOLD)])
    files = written.manifest.files
    columns = max(len(file.path) for file in files) + 4
    for file in files:
        told = [Word(_size(file.size), DIM)]
        if file.path in written.changes:
            told.append(Word(written.changes[file.path], YELLOW))
        yield from paper.row([([Word(f"  {file.path}")], columns)], told)
    gone = [path for path, what in written.changes.items() if what == "gone"]
    for path in gone:
        yield from paper.row([([Word(f"  {path}", DIM)], columns)], [Word("gone", YELLOW)])
    if written.replaced is not None and not written.changes:
        yield paper.shown([Word("  as it was", DIM)])


def _size(count: int) -> str:
    return f"{count:,} B" if count < 10_000 else f"{count / 1000:,.0f} kB"
