"""What a command that runs something shows: its progress, and what a person should know."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from kitchen.cli.terminal import has_colour
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.visible import visible

if TYPE_CHECKING:
    from kitchen.runtime.events import Listener
    from kitchen.runtime.signals import StopRequest


@contextmanager
def display(
    heading: str, stop: StopRequest, quiet: bool
) -> Iterator[tuple[tuple[Listener, ...], Callable[[str], None]]]:
    """What shows the progress: drawn on a terminal, in lines elsewhere, not at all if quiet.

    Gives the listeners, and what is to be told of warnings.
    """
    if quiet:
        yield (), tell
        return
    from kitchen.cli.progress import Progress

    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        from kitchen.cli.progress_live import Screen

        with Screen(Progress(), heading, stop) as screen:
            yield (screen,), screen.warn
    else:
        from kitchen.cli.progress_lines import Lines

        say(visible(heading))
        yield (Lines(Progress(), say),), tell


def say(message: str, *, error: bool = False, end: bool = True) -> None:
    """Say something of what is going on; that nobody reads it any more is no reason to stop."""
    try:
        click.echo(message, err=error, nl=end)
    except BrokenPipeError:
        stream = sys.stderr if error else sys.stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def passing(message: str, quiet: bool) -> Iterator[None]:
    """Say on a terminal what is being waited for, and wipe it off after."""
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    click.echo(f"{message} ...", err=True, nl=False)
    try:
        yield
    finally:
        click.echo("\r\x1b[K", err=True, nl=False)


def tell(message: str) -> None:
    say(f"warning: {visible(message)}", error=True)


def warn(diagnostics: Sequence[Diagnostic]) -> None:
    from kitchen.ir.render import render_text

    if diagnostics:
        click.echo(render_text(diagnostics, colour=has_colour(sys.stderr)), err=True)
