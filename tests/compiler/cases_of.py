"""The cases of rewrites: a title, a recipe, a template of toy stages."""

from __future__ import annotations

from pathlib import Path

from kitchen.compiler.build import build
from kitchen.compiler.frontend.expand import expand
from kitchen.compiler.frontend.parse import parse_recipe
from kitchen.ir.program import Program
from kitchen.ir.source import Source
from tests.compiler.toy_stages import registry

CASES = Path(__file__).parent / "cases"


def rewrite_cases() -> list[Path]:
    """Every case of a rewrite, by the name of the rewrite's module and then its own."""
    names = ("constants", "branches", "loops", "invariants", "duplicates", "dead")
    return [path for name in names for path in sorted((CASES / name).glob("*.yaml"))]


def case_id(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def built(path: Path) -> Program:
    """The program a case spells, before any rewrite."""
    _, _, text = path.read_text().partition("\n")
    recipe_text, _, template = text.partition("---\n")
    known = registry(case=template)
    recipe, faults = parse_recipe(Source("recipe.yaml", recipe_text))
    assert recipe is not None, faults
    expanded, faults = expand(recipe, known, {})
    assert expanded is not None, faults
    program, faults = build(expanded, known)
    assert not faults, faults
    return program
