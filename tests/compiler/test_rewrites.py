"""Every rewrite on its cases: the golden is what it changed in the program, and what it says."""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path

import pytest

from kitchen.compiler.rewrites import REWRITES, Rewrite
from kitchen.ir.program import Program, Removal
from kitchen.ir.text import program_text
from tests.compiler.cases_of import built, case_id, rewrite_cases
from tests.compiler.toy_stages import REGISTRY


def rewrite_of(path: Path) -> Rewrite:
    """The rewrite that a case belongs to: `cases/dead` has those of `rewrites/dead.py`."""
    module = path.parent.name
    return next(each for each in REWRITES if each.__module__.endswith(f".{module}"))


def before(path: Path) -> Program:
    """A case's program as its rewrite gets it: behind the ones that come earlier."""
    program = built(path)
    for rewrite in REWRITES[: REWRITES.index(rewrite_of(path))]:
        program = rewrite(program, REGISTRY)
    return program


@pytest.mark.parametrize("path", rewrite_cases(), ids=case_id)
def test_rewrites(path: Path, golden):
    old = before(path)
    new = rewrite_of(path)(old, REGISTRY)
    title = path.read_text().partition("\n")[0]
    told = [_told(removal) for removal in new.removed[len(old.removed) :]]
    assert "\n".join([title, *_difference(old, new), *told, ""]) == golden("diff")


def _difference(old: Program, new: Program) -> list[str]:
    """The whole text of a program, marked with what is new in it and what is gone."""
    texts = [program_text(each).splitlines() for each in (old, new)]
    changes = list(unified_diff(*texts, "before", "after", n=10_000, lineterm=""))
    return changes[:2] + changes[3:] if changes else ["=== unchanged", *texts[0]]


def _told(removal: Removal) -> str:
    return f"removed: `{removal.op}` at {removal.span}: {removal.reason}"


def test_every_rewrite_has_cases():
    covered = {rewrite_of(path).__name__ for path in rewrite_cases()}
    assert covered == {rewrite.__name__ for rewrite in REWRITES}
