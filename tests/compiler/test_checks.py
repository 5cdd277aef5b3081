"""Every fault that is found before anything runs: the message, the places, the cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitchen.compiler.compile import compile_recipe
from kitchen.ir.diagnostic import CompileError, Diagnostic
from kitchen.ir.render import render_text
from kitchen.ir.source import Source
from tests.compiler.declared import registry

CASES = sorted(Path(__file__).parent.glob("cases/checks/*.yaml"))


def diagnostics(recipe: str, template: str) -> tuple[Diagnostic, ...]:
    """All that is said of a recipe of the workflow `case`."""
    known = registry(case=Source("workflow.yaml", template))
    try:
        return compile_recipe(Source("recipe.yaml", recipe), known).diagnostics
    except CompileError as fault:
        return fault.diagnostics


def case_texts(path: Path) -> tuple[set[str], str, str]:
    """The codes in the title of a case, its recipe and its template."""
    title, _, text = path.read_text().partition("\n")
    recipe, _, template = text.partition("---\n")
    codes, _, _ = title.removeprefix("# ").partition(":")
    return set(codes.split()) - {"clean"}, recipe, template


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_faults_are_told(path: Path, golden):
    codes, recipe, template = case_texts(path)
    found = diagnostics(recipe, template)
    assert {diagnostic.code for diagnostic in found} == codes
    assert render_text(found) == golden
