"""What is said at the end of a run: what was measured, before, between and after."""

from __future__ import annotations

import json
import os
from pathlib import Path

from kitchen.cli.run_report import Curves, moments, run_report
from kitchen.cli.run_summary import summary_text
from kitchen.cli.terminal import Page


def summary(folder: Path, curves: Curves, **samples: int) -> list[str]:
    """The lines of a summary that tell of metrics; samples by label and step."""
    (folder / "samples").mkdir()
    for order, (label, step) in enumerate(samples.items()):
        content = {"step": step, "rows": [{"prompt": "1+1=", "completion": f"by {label}"}]}
        file = folder / "samples" / f"{label}.json"
        file.write_text(json.dumps(content))
        os.utime(file, ns=(order, order))
    text = summary_text(run_report(folder, curves), curves, Page(columns=100, colour=False))
    return [line.strip() for line in text.splitlines() if "evaluation" in line or "by " in line]


def test_the_ends_of_a_curve(tmp_path: Path) -> None:
    """What lies between them is for the report."""
    curves = {"eval/accuracy": [(0, 0.0), (5, 0.25), (10, 0.5), (15, 0.75)]}
    assert summary(tmp_path, curves, before=0, after=15) == [
        "evaluation accuracy        0 → 0.75",
        "before  by before",
        "after   by after",
    ]


def test_moments_that_have_names_are_told_by_them(tmp_path: Path) -> None:
    """Between the ends too, but for what was measured at a moment without a name."""
    curves = {
        "eval/accuracy": [(0, 0.0), (10, 0.5), (15, 0.75), (20, 1.0)],
        "eval/loss": [(10, 2.0)],
    }
    assert summary(tmp_path, curves, reinforced=20, supervised=10, untrained=0) == [
        "evaluation loss            2",
        "evaluation accuracy        0 untrained → 0.5 supervised → 1 reinforced",
        "untrained   by untrained",
        "supervised  by supervised",
        "reinforced  by reinforced",
    ]
    assert moments(tmp_path) == [(0, "untrained"), (10, "supervised"), (20, "reinforced")]


def test_moments_of_one_step_come_as_they_were_written(tmp_path: Path) -> None:
    """Where nothing was to be learned, a phase ends at the step that it began with."""
    curves = {"eval/accuracy": [(0, 0.0), (10, 0.5), (10, 0.625)]}
    assert summary(tmp_path, curves, untrained=0, supervised=10, reinforced=10) == [
        "evaluation accuracy        0 untrained → 0.5 supervised → 0.625 reinforced",
        "untrained   by untrained",
        "supervised  by supervised",
        "reinforced  by reinforced",
    ]
