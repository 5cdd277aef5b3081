"""Run the benches that were named, or all, and print their figures."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from tools.bench.figure import Figure

#: In this order: the short ones first.
BENCHES = (
    "startup",
    "compiling",
    "export",
    "airflow",
    "stage_cost",
    "losses",
    "training_step",
    "training_run",
    "checkpoints",
    "sft",
    "sampling",
    "grpo",
    "dpo",
)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tools.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="BENCH", help=", ".join(BENCHES))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(BENCHES):
        parser.error(f"no bench is called {', '.join(sorted(unknown))}")
    print(f"{platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    figures = []
    for figure in _measured(options.names or BENCHES):
        print(line(figure), flush=True)
        figures.append(figure)
    if options.json:
        options.json.write_text(json.dumps([asdict(f) for f in figures], indent=2) + "\n")
    return 1 if any(figure.kept is False for figure in figures) else 0


def _measured(names: Sequence[str]) -> Iterator[Figure]:
    for name in names:
        print(f"\n{name}")
        yield from importlib.import_module(f"tools.bench.{name}").measure()


def line(figure: Figure) -> str:
    """One figure as a line: both sides, their ratio, and whether the promise holds."""
    text = (
        f"  {figure.name:<34} kitchen {figure.ours:>9.4g} {figure.unit:<9}"
        f" {figure.peer} {figure.theirs:.4g} {figure.unit}   ratio {figure.ratio:.3f}"
    )
    if figure.bound is not None:
        what = f"{figure.unit} " if figure.bounds_ours else ""
        sign = "≥" if figure.at_least else "≤"
        kept = "kept" if figure.kept else "NOT KEPT"
        text += f"   {sign} {figure.bound:g} {what}{kept}"
    return text + (f"   ({figure.note})" if figure.note else "")


def installed(*packages: str) -> bool:
    """Whether all of a peer's packages are there; a peer that is not is left out, and said so."""
    return all(find_spec(package) is not None for package in packages)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
