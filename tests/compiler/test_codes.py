"""Every code has a page, and the example on it shows that fault and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import kitchen
from kitchen.compiler.codes import CODES, FAMILIES, Code
from kitchen.compiler.compile import compile_recipe
from kitchen.ir.diagnostic import CompileError, Diagnostic
from kitchen.ir.render import render_text
from kitchen.ir.source import Source
from kitchen.ir.spec import Registry
from kitchen.runtime.plugins import installed

EXAMPLES = [code for code in CODES.values() if code.example is not None]

#: What is said of any piece of a document: that the rest is missing, and nothing comes of it.
OF_A_PIECE = {"K112", "K125", "K126", "K151", "K306", "K308", "K403"}


#: The example is a template where a recipe is wanted.
TAKEN_FOR_A_RECIPE = {"K012"}


def diagnostics(code: Code) -> tuple[Diagnostic, ...]:
    """All that is said of the example of a code."""
    assert code.example is not None
    first, _, second = code.example.partition("---\n")
    texts = [text for text in (first, second) if text]
    template = next((text for text in texts if not re.search("^recipe:", text, re.M)), "")
    recipe = next((text for text in texts if text != template), None)
    if recipe is None and code.code not in TAKEN_FOR_A_RECIPE and "steps:" in template:
        recipe = plain_recipe(template)
    known = installed()
    workflows = dict(known.workflows) | {"example": Source("workflow.yaml", template)}
    registry = Registry(stages=known.stages, adapters=known.adapters, workflows=workflows)
    try:
        return compile_recipe(Source("recipe.yaml", recipe or template), registry).diagnostics
    except CompileError as fault:
        return fault.diagnostics


def plain_recipe(template: str) -> str:
    """A recipe that gives a template what it needs."""
    values = {"str": "./chat.jsonl", "int": "3", "float": "0.5"}
    required = re.findall(r"^  (\w+): \{type: (\w+)\}", template, re.M)
    params = "".join(f"  {name}: {values[type_]}\n" for name, type_ in required)
    return (
        "kitchen: 1\nrecipe: example\nworkflow: example\n"
        + (f"params:\n{params}" if params else "")
        + "adapters: {training: noop, datasets: files, metrics: parquet, sampling: noop}\n"
    )


@pytest.mark.parametrize("code", EXAMPLES, ids=lambda code: code.code)
def test_the_example_shows_the_fault(code: Code, golden):
    found = diagnostics(code)
    assert {d.code for d in found} - (OF_A_PIECE - {code.code}) == {code.code}
    text = f"{code.example}\n{render_text(d for d in found if d.code == code.code)}"
    assert text == golden


def test_codes_in_the_source_have_pages_and_pages_are_used():
    used = set()
    root = Path(kitchen.__file__).parent
    for path in root.rglob("*.py"):
        if "codes" not in path.relative_to(root).parts:
            used |= set(re.findall(r'"(K\d{3})"', path.read_text()))
    assert used == set(CODES)


def test_no_code_has_two_pages():
    assert len(CODES) == sum(len(family.CODES) for family in FAMILIES)


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.code)
def test_pages_are_written_like_messages(code: Code):
    assert re.fullmatch(r"K\d{3}", code.code)
    assert code.title[:1] in "`abcdefghijklmnopqrstuvwxyz"
    assert not code.title.endswith(".")
    for text in (code.why, code.cure):
        assert text[:1].isupper() or text[:1] in "`<"
        assert text.endswith(".")
    said = f"{code.title} {code.why} {code.cure}".lower()
    assert not re.search(r"\b(invalid|please|illegal|oops)\b", said)
