"""What is wrong, where, and what to do about it: data first, rendered elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from kitchen.ir.frozen import frozen
from kitchen.ir.source import Span


class Severity(StrEnum):
    """How much a diagnostic weighs: an error stops, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@frozen
class Label:
    """A place in a source and what stands there."""

    span: Span
    text: str = ""


@frozen
class Diagnostic:
    """One fault: a fact (`message`), its place (`primary`), other places, and the cure (`help`)."""

    code: str
    message: str
    primary: Label | None = None
    secondary: tuple[Label, ...] = ()
    help: str | None = None
    severity: Severity = Severity.ERROR


#: Letters of a word in which one that differs makes another word.
SHORT = 3


class CompileError(Exception):
    """Everything that keeps a recipe from being run, found in one go."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        errors = [d for d in self.diagnostics if d.severity is Severity.ERROR]
        super().__init__("; ".join(f"{d.code}: {d.message}" for d in errors))


def demand(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the warnings; raise `CompileError` with everything if any diagnostic is an error."""
    found = tuple(diagnostics)
    if any(d.severity is Severity.ERROR for d in found):
        raise CompileError(found)
    return found


def closest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known name a misspelled one most likely meant; `cutoff` is how alike they have to be.

    Of a short word the first letter is right: `gpu` is no slip of `cpu`.
    """
    names = list(known)
    if name in names:
        return name
    if len(name) <= SHORT:
        names = [known for known in names if known[:1] == name[:1]]
    from difflib import get_close_matches

    matches = get_close_matches(name, names, n=1, cutoff=cutoff)
    return matches[0] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A help line that suggests the closest known name, or lists what is known if that is short."""
    names = sorted(known)
    match = closest(name, names)
    if match is not None:
        return f"did you mean `{match}`?"
    if 0 < len(names) <= 12:
        return "known: " + ", ".join(f"`{known}`" for known in names)
    return None
