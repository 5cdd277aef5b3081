"""The command line as a source: what is wrong with it is shown like any other fault."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

import click

from kitchen.ir.diagnostic import Diagnostic, Label, did_you_mean
from kitchen.ir.source import Source, Span


class CommandLine:
    """The words after `kitchen`, and the line they were typed on."""

    def __init__(self, typed: Sequence[str]) -> None:
        self.words = list(typed)
        quoted = ["kitchen", *map(shlex.quote, self.words)]
        self.source = Source("command line", " ".join(quoted))
        self.starts: list[int] = []
        at = 0
        for word in quoted:
            self.starts.append(at)
            at += len(word) + 1

    def span(self, wanted: str) -> Span:
        """Where a word stands; an option and its value are found on both sides of a `=`, too."""
        for start, word in zip(self.starts[1:], self.words, strict=True):
            if word == wanted:
                return Span(self.source, start, start + len(shlex.quote(word)))
        for start, word in zip(self.starts[1:], self.words, strict=True):
            if word.startswith(f"{wanted}="):
                return Span(self.source, start, start + len(wanted))
            if word.endswith(f"={wanted}") and shlex.quote(word) == word:
                end = start + len(word)
                return Span(self.source, end - len(wanted), end)
        return self.end

    @property
    def command(self) -> str:
        """The command that was typed, in full."""
        return " ".join(["kitchen", *self.words[:1]])

    @property
    def end(self) -> Span:
        """The place behind the last word."""
        size = len(self.source.text)
        return Span(self.source, size, size + 1)

    def fault(self, code: str, message: str, at: str | None, label: str, help: str) -> Diagnostic:
        """One fault at a word, or behind the last one."""
        span = self.end if at is None else self.span(at)
        return Diagnostic(code, message, Label(span, label), (), help)

    def explain(self, error: click.UsageError) -> Diagnostic:
        """What click found wrong, as a diagnostic."""
        command = error.ctx.command_path if error.ctx is not None else self.command
        manual = f"`{command} --help` says what it takes"
        match error:
            case click.exceptions.NoSuchCommand():
                name = error.command_name
                known = error.ctx.command.list_commands(error.ctx) if error.ctx else []  # type: ignore[attr-defined]
                message = f"there is no command `{name}`"
                return self.fault("K090", message, name, "", did_you_mean(name, known) or manual)
            case click.NoSuchOption():
                name = error.option_name
                message = f"`{command}` has no option `{name}`"
                help = did_you_mean(name, _options(error.ctx)) or manual
                return self.fault("K091", message, name, "", help)
            case click.MissingParameter(param=click.Argument() as argument):
                name = argument.make_metavar(error.ctx or click.Context(click.Command("")))
                return self.fault("K092", f"`{command}` needs {name}", None, "missing", manual)
            case click.BadOptionUsage():
                message = f"`{error.option_name}` needs a value"
                return self.fault("K092", message, error.option_name, "no value after it", manual)
            case click.BadParameter(param=click.Parameter(type=click.Choice() as choice) as param):
                return self._choice(param, choice, manual)
        extra = re.fullmatch(r"Got unexpected extra arguments? \((.*)\)", error.message)
        if extra is not None:
            first = extra[1].split(" ")[0]
            word = next((word for word in self.words[::-1] if word.startswith(first)), None)
            return self.fault("K093", f"`{command}` takes no more", word, "too many", manual)
        return Diagnostic("K093", _plain(error.format_message()), Label(self.end), (), manual)

    def _choice(self, param: click.Parameter, choice: click.Choice[str], help: str) -> Diagnostic:
        known = [str(value) for value in choice.choices]
        option = isinstance(param, click.Option)
        name = param.opts[-1] if option else param.human_readable_name
        values = self._values(param.opts) if option else self.words[1:]
        given = next((value for value in values if value not in known), "")
        message = f"`{name}` has no choice `{given}`"
        return self.fault("K093", message, given, "", did_you_mean(given, known) or help)

    def _values(self, names: Sequence[str]) -> Iterator[str]:
        """What was typed after an option, or behind its `=`."""
        for number, word in enumerate(self.words):
            name, _, value = word.partition("=")
            if name in names:
                yield value if value or number + 1 == len(self.words) else self.words[number + 1]


def _options(context: click.Context | None) -> list[str]:
    if context is None:
        return []
    params = context.command.get_params(context)
    return [name for param in params if isinstance(param, click.Option) for name in param.opts]


def _plain(message: str) -> str:
    """Click's sentence in the manner of the others."""
    text = message.replace("'", "`").rstrip(".")
    return text[:1].lower() + text[1:]
