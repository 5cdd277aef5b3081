"""The report of a run as a person reads it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from kitchen.cli.figures import duration
from kitchen.cli.report_metrics import metric_sections
from kitchen.cli.run_report import Curves
from kitchen.cli.terminal import BOLD, CYAN, DIM, GREEN, RED, YELLOW, Page, Word, words
from kitchen.ir.visible import width

Json = dict[str, Any]

STATES = {"done": GREEN, "running": CYAN, "stopped": YELLOW, "killed": YELLOW}
#: Steps of the program that are listed by their cost, the dearest first.
MOST_STAGES = 8
LONGEST_SAMPLE = 400

_INDENT: tuple[list[Word], int] = ([], 2)


def report_text(report: Json, curves: Curves, page: Page) -> str:
    """State, curves, cost of each step, samples, and where everything is."""
    sections = [
        ("", _title(report, page)),
        ("tasks", list(_tasks(report["tasks"], page))),
        *metric_sections(curves, page),
        ("time by step", list(_stages(report["stages"], page))),
        ("samples", samples_lines(report["samples"], page)),
        ("paths", list(_paths(report["paths"], page))),
    ]
    blocks = []
    for heading, lines in sections:
        if lines:
            head = [page.shown([Word(heading, BOLD)])] if heading else []
            blocks.append("\n".join([*head, *lines]))
    return "\n\n".join(blocks) + "\n"


def _title(report: Json, page: Page) -> list[str]:
    state = report["status"]
    recipe = report["recipe"] or "run"
    head = [Word(recipe, BOLD), Word("·", DIM), Word(state, STATES.get(state, RED))]
    if report["digest"]:
        head += [Word("·", DIM), *words(f"plan {report['digest'][:12]}", DIM)]
    lines = [page.shown(head)]
    facts = {"fault": report["fault"], "error": report["error"]}
    if report["started"]:
        began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(report["started"]))
        facts["began"] = began
        facts["worked"] = duration(report["seconds"])
    total = report["total_steps"]
    facts["steps"] = f"{report['steps']:,}" + (f" of {total:,}" if total else "")
    if state in ("stopped", "killed", "failed") and "run" in report["paths"]:
        facts["go on"] = f"kitchen run --resume {report['paths']['run']}"
    for name, fact in facts.items():
        if fact:
            lines += page.row([_INDENT, ([Word(name)], 8)], words(str(fact)))
    return lines


def _tasks(tasks: list[Json], page: Page) -> Iterator[str]:
    """Each task that was begun, with how it stands and how long it has been at work."""
    names = max((width(task["task"]) for task in tasks), default=0)
    for task in tasks:
        state = task["status"]
        cells = [
            _INDENT,
            ([Word(task["task"])], names + 2),
            ([Word(state, STATES.get(state, RED))], 10),
        ]
        yield from page.row(cells, words(duration(task["seconds"])))


def _stages(stages: dict[str, Json], page: Page) -> Iterator[str]:
    """Stages and loops by what they cost; a loop's time holds that of what is in it."""
    dearest = sorted(stages.items(), key=lambda item: -item[1]["total"])[:MOST_STAGES]
    names = max((width(name) for name, _ in dearest), default=0)
    for name, timing in dearest:
        count, total = timing["count"], timing["total"]
        cells = [_INDENT, ([Word(name)], names + 2), ([Word(_times(count))], 14)]
        each = f"{duration(total)} in all, {duration(timing['longest'])} at most"
        yield from page.row(cells, words(each if count > 1 else duration(total)))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def samples_lines(samples: dict[str, list[dict[str, str]]], page: Page) -> list[str]:
    """Each prompt with what was answered to it, label by label."""
    answers: dict[str, list[tuple[str, str]]] = {}
    for label, rows in samples.items():
        for row in rows:
            answers.setdefault(row["prompt"], []).append((label, row["completion"]))
    labels = max(map(width, samples), default=0)
    lines: list[str] = []
    for prompt, completions in answers.items():
        lines += page.row([([Word("  >", CYAN)], 4)], words(prompt, BOLD))
        for label, completion in completions:
            text = completion if len(completion) <= LONGEST_SAMPLE else (
                completion[:LONGEST_SAMPLE] + "…"
            )  # fmt: skip
            cells: list[tuple[list[Word], int]] = [([], 4), ([Word(label, DIM)], labels + 2)]
            lines += page.row(cells, words(text) or [Word("(nothing)", DIM)])
    return lines


def _paths(paths: dict[str, str], page: Page) -> Iterator[str]:
    for name, path in paths.items():
        yield from page.row([_INDENT, ([Word(name)], 13)], [Word(path)])
