"""Every fault that is found before anything runs: the message, the places, the cure."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

import kitchen.compiler.checks
from kitchen.compiler.compile import compile_recipe
from kitchen.ir.diagnostic import CompileError, Diagnostic, Severity
from kitchen.ir.render import render_text
from kitchen.ir.source import Source
from kitchen.ir.verify import verify
from tests.compiler.declared import registry

CASES = sorted(Path(__file__).parent.glob("cases/checks/*.yaml"))


def diagnostics(recipe: str, template: str) -> tuple[Diagnostic, ...]:
    """All that is said of a recipe of the workflow `case`, and of what that inlines."""
    template, *others = template.split("---\n")
    sources = {
        name: Source(f"{name}.yaml", text)
        for text in others
        for name in re.findall(r"^workflow: (\w+)", text, re.M)
    }
    known = registry(**{**sources, "case": Source("workflow.yaml", template)})
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


def test_every_code_of_the_checks_has_a_case():
    source = Path(kitchen.compiler.checks.__file__).parent
    reported = {
        code for path in source.glob("*.py") for code in re.findall(r'"(K\d{3})"', path.read_text())
    }
    shown = {code for path in CASES for code in case_texts(path)[0]}
    assert reported <= shown


def test_ten_faults_are_told_in_one_go():
    path = next(path for path in CASES if path.stem == "ten_faults")
    codes, recipe, template = case_texts(path)
    assert len(codes) >= 10
    assert len(diagnostics(recipe, template)) == len(codes)


@pytest.mark.parametrize("name", ["clean", "cadence", "present_by_its_guard"])
def test_a_slip_of_the_pen_gives_one_message(name: str, golden):
    """The golden lists the slips that give more; none gives more than two."""
    _, recipe, template = case_texts(Path(__file__).parent / f"cases/checks/{name}.yaml")
    more = []
    for word in re.finditer(r"[a-z]\w+", template):
        slip = template[: word.end()] + "q" + template[word.end() :]
        found = [d for d in diagnostics(recipe, slip) if d.severity is Severity.ERROR]
        assert len(found) <= 2, render_text(found)
        if len(found) > 1:
            line = slip[: word.end()].count("\n")
            faults = ", ".join(f"{fault.code} {fault.message}" for fault in found)
            more.append(f"{slip.splitlines()[line].strip()}\n    {faults}\n")
    assert "".join(more) == golden


def damaged(random: Random, text: str) -> str:
    """A text with a line lost, two lines exchanged, a word replaced, or a character changed."""
    lines, words = text.splitlines(), list(re.finditer(r"\w+", text))
    match random.randrange(6):
        case 0:
            del lines[random.randrange(len(lines))]
        case 1:
            one, other = random.randrange(len(lines)), random.randrange(len(lines))
            lines[one], lines[other] = lines[other], lines[one]
        case 2:
            at = random.randrange(len(text))
            return text[:at] + random.choice("{}[]:'\"$-+ \n0?!\x1b\u202e") + text[at + 1 :]
        case _:
            old, new = random.choice(words), random.choice(words)
            return text[: old.start()] + new[0] + text[old.end() :]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("seed", range(10))
def test_whatever_is_written_is_answered_with_diagnostics(seed: int):
    random = Random(seed)
    for path in CASES:
        _, recipe, template = case_texts(path)
        for _ in range(random.randint(1, 3)):
            template = damaged(random, template)
        assert isinstance(render_text(diagnostics(damaged(random, recipe), template)), str)


@pytest.mark.parametrize(
    "path", [path for path in CASES if not case_texts(path)[0]], ids=lambda path: path.stem
)
def test_what_nothing_is_said_of_is_a_program_that_verifies(path: Path):
    _, recipe, template = case_texts(path)
    known = registry(case=Source("workflow.yaml", template))
    compiled = compile_recipe(Source("recipe.yaml", recipe), known)
    assert verify(compiled.program, known) == []
