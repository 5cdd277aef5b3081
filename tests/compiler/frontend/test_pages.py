"""The pages behind the codes of this part: each example shows what its page explains."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kitchen.compiler import frontend
from kitchen.compiler.codes import document, expressions, parameters, text
from kitchen.compiler.codes.code import Code
from kitchen.compiler.compile import compile_recipe
from kitchen.compiler.frontend.parse import parse_recipe
from kitchen.ir.diagnostic import CompileError
from kitchen.ir.source import Source
from tests.compiler.declared import registry

PAGES = {page.code: page for family in (text, document, parameters, expressions) for page in family.CODES}
STUB = "kitchen: 1\nrecipe: example\nworkflow: example\n"


def codes(page: Code) -> set[str]:
    """What is said of the example, as a recipe and as the template of one."""
    assert page.example is not None
    first, _, template = page.example.partition("\n---\n")
    recipe = first if template else STUB
    found = {diagnostic.code for diagnostic in parse_recipe(Source("recipe.yaml", first))[1]}
    for text in (first, recipe):
        known = registry(example=Source("template.yaml", template or page.example))
        try:
            compile_recipe(Source("recipe.yaml", text), known)
        except CompileError as fault:
            found |= {diagnostic.code for diagnostic in fault.diagnostics}
    return found


@pytest.mark.parametrize("code", [code for code, page in PAGES.items() if page.example])
def test_an_example_shows_its_fault(code: str):
    assert code in codes(PAGES[code])


def test_every_code_of_the_frontend_has_a_page():
    sources = Path(frontend.__path__[0]).rglob("*.py")
    used = {code for path in sources for code in re.findall(r'"(K\d{3})"', path.read_text())}
    assert used == set(PAGES)
