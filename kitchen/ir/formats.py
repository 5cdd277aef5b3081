"""Diagnostics as other programs read them: JSON, GitHub annotations, SARIF."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from kitchen.ir.diagnostic import Diagnostic, Label
from kitchen.ir.source import Span
from kitchen.ir.visible import visible


def render_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """One flat dict per diagnostic; positions count from 1, ends are exclusive."""
    return [
        {
            "code": diagnostic.code,
            "severity": diagnostic.severity.value,
            "message": diagnostic.message,
            **_position(diagnostic.primary),
            "label": diagnostic.primary.text if diagnostic.primary else None,
            "help": diagnostic.help,
            "related": [
                {"message": label.text, **_position(label)} for label in diagnostic.secondary
            ],
        }
        for diagnostic in diagnostics
    ]


def render_github(diagnostics: Iterable[Diagnostic]) -> str:
    """Workflow commands that GitHub shows beside the lines of a pull request."""
    return "".join(_command(diagnostic) + "\n" for diagnostic in diagnostics)


def render_sarif(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """A SARIF 2.1.0 log (OASIS standard, 27 March 2020), as code scanning services take it."""
    found = list(diagnostics)
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "kitchen",
                        "rules": [{"id": code} for code in sorted({d.code for d in found})],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(diagnostic) for diagnostic in found],
            }
        ],
    }


def _ends(span: Span) -> tuple[int, int, int, int]:
    """Line and column where a span starts and ends, the blank space at its end left out."""
    end = span.start + max(len(span.text.rstrip()), 0)
    return (*span.source.position(span.start), *span.source.position(end))


def _position(label: Label | None) -> dict[str, Any]:
    names = ("line", "column", "end_line", "end_column")
    if label is None:
        return {"file": None, **dict.fromkeys(names)}
    return {
        "file": label.span.source.name,
        **dict(zip(names, _ends(label.span), strict=True)),
    }


def _command(diagnostic: Diagnostic) -> str:
    properties = {"title": diagnostic.code}
    if diagnostic.primary is not None:
        span = diagnostic.primary.span
        line, column, end_line, end_column = _ends(span)
        properties = {"file": span.source.name, "line": str(line), "col": str(column)} | properties
        properties |= {"endLine": str(end_line), "endColumn": str(end_column)}
    written = ",".join(
        f"{name}={_escaped(visible(text)).replace(':', '%3A').replace(',', '%2C')}"
        for name, text in properties.items()
    )
    text = visible(diagnostic.message)
    if diagnostic.help is not None:
        text += f"\nhelp: {visible(diagnostic.help)}"
    return f"::{diagnostic.severity} {written}::{_escaped(text)}"


def _escaped(text: str) -> str:
    """As github.com/actions/toolkit's `escapeData` does it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _result(diagnostic: Diagnostic) -> dict[str, Any]:
    text = diagnostic.message
    if diagnostic.help is not None:
        text += f" (help: {diagnostic.help})"
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "level": diagnostic.severity.value,
        "message": {"text": text},
    }
    if diagnostic.primary is not None:
        result["locations"] = [_location(diagnostic.primary)]
    if diagnostic.secondary:
        result["relatedLocations"] = [
            {"id": number, **_location(label), "message": {"text": label.text}}
            for number, label in enumerate(diagnostic.secondary, 1)
        ]
    return result


def _location(label: Label) -> dict[str, Any]:
    names = ("startLine", "startColumn", "endLine", "endColumn")
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(label.span.source.name)},
            "region": dict(zip(names, _ends(label.span), strict=True)),
        }
    }
