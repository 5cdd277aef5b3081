"""What is said when a run has ended: how it went, what it says now, where things are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kitchen.cli.figures import duration, number
from kitchen.cli.report_text import STATES, samples_lines
from kitchen.cli.run_report import Curves, moments
from kitchen.cli.terminal import BOLD, DIM, GREEN, RED, Page, Word, words
from kitchen.cli.told import title
from kitchen.ir.visible import visible

#: Named first, where they were measured.
LEADING = (
    "train/loss",
    "eval/loss",
    "eval/bits_per_byte",
    "eval/accuracy",
    "eval/margin",
    "eval/answers/chosen",
    "eval/teacher_kl",
    "eval/exact_match",
    "eval/contains",
    "eval/regex",
    "eval/numeric",
    "eval/token_f1",
    "eval/judge",
)


def summary_text(report: dict[str, Any], curves: Curves, page: Page) -> str:
    """The end of a run in a few lines, and its samples side by side."""
    state = report["status"]
    steps = report["steps"]
    head = [Word(state, f"{BOLD};{STATES.get(state, RED)}")]
    head += words(f"after {duration(report['seconds'])}, {steps:,} step{'' if steps == 1 else 's'}")
    blocks = [page.shown(head)]
    named = moments(Path(report["paths"]["run"]))
    changes = [_change(name, curves[name], named, page) for name in LEADING if name in curves]
    if changes:
        blocks.append("\n".join(changes))
    samples = samples_lines(report["samples"], page)
    if samples:
        blocks.append("\n".join(samples))
    blocks.append("\n".join(_next(report, page)))
    return "\n\n".join(blocks) + "\n"


def _change(
    name: str, points: list[tuple[int, float]], named: list[tuple[int, str]], page: Page
) -> str:
    """`evaluation loss  4.213 → 1.923`; between the ends, what was measured at a named moment."""
    kind = "training" if name.startswith("train/") else "evaluation"
    known = list(_named(points, named))
    if len(known) > 2:
        shown = " → ".join(known)
    elif len(points) == 1:
        shown = number(points[0][1])
    else:
        shown = f"{number(points[0][1])} → {number(points[-1][1])}"
    label = f"{kind} {title(name)}"
    return page.shown([Word("  " + label.ljust(26)), Word(shown, GREEN)])


def _named(points: list[tuple[int, float]], named: list[tuple[int, str]]) -> Iterator[str]:
    """Values with the name of their moment; two of one step come in the order of their names."""
    left = list(named)
    for step, value in points:
        moment = next((moment for moment in left if moment[0] == step), None)
        if moment is not None:
            left.remove(moment)
            yield f"{number(value)} {visible(moment[1])}"


def _next(report: dict[str, Any], page: Page) -> list[str]:
    paths = report["paths"]
    rows = {
        "weights": paths.get("weights"),
        "answers": paths.get("answers"),
        "report": f"kitchen report {paths['run']}",
    }
    if report["status"] != "done":
        rows = {"go on": f"kitchen run --resume {paths['run']}"} | rows
    return [
        page.shown([Word(f"  {name:8}", DIM), Word(str(path))])
        for name, path in rows.items()
        if path is not None
    ]
