"""`kitchen`: its commands, each imported when it is asked for."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from kitchen.cli.command_line import CommandLine
from kitchen.cli.terminal import has_colour
from kitchen.ir.diagnostic import CompileError, Diagnostic

#: In the order in which they are met.
COMMANDS = (
    "new",
    "compile",
    "run",
    "task",
    "runs",
    "report",
    "export",
    "diff",
    "list",
    "explain",
    "schema",
)

DONE, BAD_INPUT, FAILED, STOPPED, NOT_TO_BE_RUN, INTERRUPTED = 0, 2, 3, 75, 99, 130


class Application(click.Group):
    """The commands of `COMMANDS`, one module each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"kitchen.cli.{cmd_name}").command
        return command


def _version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"kitchen {version('kitchen')}")
        ctx.exit()


@click.command(
    cls=Application,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "color": True,
    },
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version,
              help="Show the version and exit.")  # fmt: skip
def application() -> None:
    """A compiler for model-training workflows.

    A recipe says what to train. `kitchen compile` says what will run and why, `kitchen run` runs
    it. `kitchen explain` tells more about any message, stage or port.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code: 0 done, 2 bad input, 3 a stage failed, 75, 130."""
    line = CommandLine(sys.argv[1:] if arguments is None else arguments)
    _make_streams_safe()
    try:
        code = application.main(
            line.words or ["--help"], "kitchen", standalone_mode=False, obj=line
        )
        return code or DONE
    except click.UsageError as error:
        return refuse([line.explain(error)])
    except CompileError as error:
        return refuse(error.diagnostics)
    except click.Abort:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough. What is left in the buffer must not be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        from kitchen.runtime.plugins import PluginError

        if not isinstance(error, PluginError):
            raise
        help = "remove the package, or install a version of it that fits"
        return refuse([Diagnostic("K097", str(error), None, (), help)])


def _make_streams_safe() -> None:
    """Let no character and no closed stream be the end of a command."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # `>&-` in a shell
            setattr(sys, name, io.StringIO())
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def refuse(diagnostics: Sequence[Diagnostic]) -> int:
    """Show what is wrong with the input; the exit code that says so."""
    from kitchen.ir.render import render_text

    click.echo(
        render_text(diagnostics, colour=has_colour(sys.stderr)), err=True, nl=False, color=True
    )
    return BAD_INPUT
