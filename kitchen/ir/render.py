"""Diagnostics as a person reads them: the fact, the line it stands on, and the cure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kitchen.ir.diagnostic import Diagnostic, Label, Severity
from kitchen.ir.formats import render_github, render_json, render_sarif
from kitchen.ir.source import Source
from kitchen.ir.visible import visible, width

__all__ = ["render_github", "render_json", "render_sarif", "render_text"]

MOST = 50  #: diagnostics shown; who has more fixes these first
NEAR = 3  #: lines apart, up to which two places share an excerpt
LONGEST = 100  #: characters of a source line that are shown
LEAD = 40  #: characters of a longer line that are shown before the place

_INK = {Severity.ERROR: "1;31", Severity.WARNING: "1;33"}
_BLUE, _BOLD = "1;34", "1"


def render_text(diagnostics: Iterable[Diagnostic], *, colour: bool = False) -> str:
    """The diagnostics in the order of their places, and how many there are; "" for none."""
    found = list(diagnostics)
    if not found:
        return ""
    errors_first = sorted(found, key=lambda diagnostic: diagnostic.severity is Severity.WARNING)
    shown = sorted(errors_first[:MOST], key=_place)
    blocks = [_Block(diagnostic, colour).text() for diagnostic in shown]
    return "\n\n".join([*blocks, _summary(found, len(shown))]) + "\n"


def _place(diagnostic: Diagnostic) -> tuple[bool, str, int]:
    if diagnostic.primary is None:
        return (True, "", 0)
    span = diagnostic.primary.span
    return (False, span.source.name, span.start)


def _summary(found: Sequence[Diagnostic], shown: int) -> str:
    counts = [
        (sum(diagnostic.severity is severity for diagnostic in found), severity.value)
        for severity in Severity
    ]
    parts = [f"{count} {word}{'s' if count > 1 else ''}" for count, word in counts if count]
    more = f" (and {len(found) - shown} more, not shown)" if len(found) > shown else ""
    return f"found {', '.join(parts)}{more}"


class _Block:
    """One diagnostic being drawn: what all its lines share."""

    def __init__(self, diagnostic: Diagnostic, colour: bool) -> None:
        self.diagnostic = diagnostic
        self.colour = colour
        self.excerpts = _excerpts(diagnostic)
        lines = [label.span.line for labels in self.excerpts for label in labels]
        self.margin = " " * len(str(max(lines, default=0)))

    def text(self) -> str:
        diagnostic = self.diagnostic
        kind = self.ink(f"{diagnostic.severity}[{diagnostic.code}]", _INK[diagnostic.severity])
        lines = [f"{kind}{self.ink(': ' + visible(diagnostic.message), _BOLD)}"]
        for index, labels in enumerate(self.excerpts):
            arrow = self.ink(":::" if index else "-->", _BLUE)
            lines.append(f"{self.margin}{arrow} {visible(str(labels[0].span))}")
            lines += [self.bar(), *self.excerpt(labels)]
            if index < len(self.excerpts) - 1 or diagnostic.help is not None:
                lines.append(self.bar())
        if diagnostic.help is not None:
            lines.append(
                f"{self.margin} {self.ink('=', _BLUE)} {self.ink('help', _BOLD)}: "
                f"{visible(diagnostic.help)}"
            )
        return "\n".join(lines)

    def excerpt(self, labels: Sequence[Label]) -> Iterable[str]:
        """The lines that the labels are on, each with its marks under it."""
        source = labels[0].span.source
        last = None
        for number in sorted({label.span.line for label in labels}):
            if last is not None and number - last == 2:
                yield self.numbered(number - 1, visible(source.line(number - 1)[:LONGEST]))
            elif last is not None and number - last > 2:
                yield self.ink("...", _BLUE)
            last = number
            yield from self.marked(
                source, number, [label for label in labels if label.span.line == number]
            )

    def marked(self, source: Source, number: int, labels: Sequence[Label]) -> Iterable[str]:
        line = source.line(number)
        start = 0 if len(line) <= LONGEST else max(0, labels[0].span.column - 1 - LEAD)
        before = "…" if start else ""
        after = "…" if len(line) > start + LONGEST else ""
        window = line[start : start + LONGEST]
        yield self.numbered(number, f"{before}{visible(window)}{after}")
        for label in labels:
            at = label.span.column - 1 - start
            end = min(at + label.span.end - label.span.start, len(window.rstrip()))
            primary = label is self.diagnostic.primary
            mark = ("^" if primary else "-") * max(width(window[at:end]), 1)
            ink = _INK[self.diagnostic.severity] if primary else _BLUE
            text = f"{mark} {visible(label.text)}".rstrip()
            blank = " " * (len(before) + width(window[:at]))
            yield f"{self.bar()} {blank}{self.ink(text, ink)}"

    def numbered(self, number: int, line: str) -> str:
        head = self.ink(f"{number:>{len(self.margin)}} |", _BLUE)
        return f"{head} {line}".rstrip()

    def bar(self) -> str:
        return self.ink(f"{self.margin} |", _BLUE)

    def ink(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text


def _excerpts(diagnostic: Diagnostic) -> list[list[Label]]:
    """The labels by the excerpt they are shown in; the primary one leads the first."""
    if diagnostic.primary is None:
        return []
    excerpts = [[diagnostic.primary]]
    for label in diagnostic.secondary:
        near = (group for group in excerpts if any(_near(label, other) for other in group))
        group = next(near, None)
        if group is None:
            excerpts.append([label])
        else:
            group.append(label)
    return excerpts


def _near(one: Label, other: Label) -> bool:
    if one.span.source is not other.span.source:
        return False
    line = one.span.line
    if line != other.span.line:
        return abs(line - other.span.line) <= NEAR
    fits = len(one.span.source.line(line)) <= LONGEST
    return fits or 0 <= one.span.start - other.span.start < LONGEST - LEAD
