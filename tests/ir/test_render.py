"""What a person, an editor and a code scanner see of diagnostics."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitchen.ir.diagnostic import Diagnostic, Label, Severity
from kitchen.ir.render import MOST, render_github, render_json, render_sarif, render_text
from kitchen.ir.source import Source, Span
from kitchen.ir.visible import visible, width

RECIPE = Source(
    "recipes/sft.yaml",
    """\
kitchen: 1
recipe: sft
workflow: supervised
params:
  model: tiny
  epochs: "two"
  eval_every: 10
adapters:
  training: torhc
  metrics: parquet
""",
)
TEMPLATE = Source(
    "recipes/workflows/supervised.yaml",
    """\
kitchen: 1
workflow: supervised
params:
  epochs: {type: int, default: 1, min: 1}
steps:
  - stage: load_dataset
    as: rows
  - stage: build_batches
    in: {tokens: rows}
""",
)


def label(source: Source, piece: str, text: str = "", *, skip: int = 0) -> Label:
    start = -1
    for _ in range(skip + 1):
        start = source.text.index(piece, start + 1)
    return Label(Span(source, start, start + len(piece)), text)


WRONG_TYPE = Diagnostic(
    "K206",
    "parameter `epochs` takes an Int",
    label(RECIPE, '"two"', "this is a Str"),
    (label(TEMPLATE, "{type: int, default: 1, min: 1}", "declared here"),),
    "write a whole number",
)
UNKNOWN_ADAPTER = Diagnostic(
    "K302",
    "port `training` has no adapter `torhc`",
    label(RECIPE, "torhc", "not known"),
    (label(RECIPE, "training", "port"), label(RECIPE, "model: tiny", "what is trained")),
    help="did you mean `torch`?",
)
NEVER = Diagnostic(
    "K404",
    "`eval_every` is never reached",
    label(RECIPE, "10", "never"),
    severity=Severity.WARNING,
)
NOWHERE = Diagnostic("K403", "nothing is written", help="add a step that keeps the result")
EDGE = Diagnostic(
    "K201",
    "input `tokens` of `build_batches` takes Tokens",
    label(TEMPLATE, "rows", "this is a Dataset", skip=1),
    (label(TEMPLATE, "load_dataset", "made here"),),
)
EVERYTHING = (NOWHERE, NEVER, EDGE, UNKNOWN_ADAPTER, WRONG_TYPE)


def test_text(golden):
    assert render_text(EVERYTHING) == golden


def test_colours_are_all_that_colour_adds():
    coloured = render_text(EVERYTHING, colour=True)
    assert coloured != render_text(EVERYTHING)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render_text(EVERYTHING)


def test_nothing_to_say():
    assert render_text(()) == ""


def test_one_of_a_kind_is_singular():
    assert render_text([NOWHERE]).endswith("found 1 error\n")
    assert render_text([NEVER, NEVER, NOWHERE]).endswith("found 1 error, 2 warnings\n")


def test_the_first_fifty_are_shown_and_errors_go_first():
    many = [NEVER] * MOST + [WRONG_TYPE] * 3
    text = render_text(many)
    assert text.count("error[K206]") == 3
    assert text.count("warning[K404]") == MOST - 3
    assert text.endswith("found 3 errors, 50 warnings (and 3 more, not shown)\n")


SHAPES = {
    "wide": ("数据: ./聊天.jsonl # größe", "./聊天.jsonl"),
    "tabs": ("\tmodel:\ttiny", "tiny"),
    "combining": ("me\u0301thode: e\u0301cole", "e\u0301cole"),
    "hostile": ('name: "\x1b[31m\u202egnp.exe\r\x07"', "\x1b[31m\u202egnp.exe\r\x07"),
    "long_line": ("words: " + "lorem " * 40 + "HERE" + " ipsum" * 40, "HERE"),
    "long_mark": ("words: " + "x" * 500, "x" * 500),
    "end_of_line": ("model:", ""),
    "several_lines": ("model:\n  - a\n  - b\n\nnext: 1", "- a\n  - b\n\n"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_mark_stands_under_the_place(shape: str, golden):
    text, piece = SHAPES[shape]
    start = text.index(piece) if piece else len(text)
    place = Label(Span(Source("a.yaml", text), start, start + len(piece)), "here")
    assert render_text([Diagnostic("K000", "a fact", place)]) == golden


@pytest.mark.parametrize("shape", ["wide", "tabs", "combining"])
def test_marks_are_as_wide_as_what_they_mark(shape: str):
    text, piece = SHAPES[shape]
    place = Label(Span(Source("a.yaml", text), text.index(piece), len(text)))
    line, marks = render_text([Diagnostic("K000", "a fact", place)]).splitlines()[3:5]
    assert width(marks) >= width(line) - len("# größe")
    assert width(marks[: marks.index("^")]) == width(line[: line.index(visible(piece))])


def test_far_apart_on_one_long_line_are_two_excerpts():
    source = Source("a.yaml", "first " + "x " * 200 + "last")
    diagnostic = Diagnostic(
        "K000", "a fact", label(source, "last", "one"), (label(source, "first", "other"),)
    )
    text = render_text([diagnostic])
    assert "::: a.yaml:1:1" in text
    assert "^^^^ one" in text
    assert "----- other" in text


@given(st.text())
def test_no_text_can_steer_the_terminal(text: str):
    source = Source(text, text)
    diagnostic = Diagnostic(
        "K000",
        text,
        Label(Span(source, 0, len(text)), text),
        (Label(Span(source, len(text) // 2, len(text)), text),),
        text,
    )
    for shown in (render_text([diagnostic]), render_github([diagnostic])):
        for character in shown.replace("\n", ""):
            assert unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    assert render_github([diagnostic]).count("\n") == 1


def test_json(golden):
    assert render_json(EVERYTHING) == golden("json")


def test_json_keeps_what_scripts_rely_on():
    for entry in render_json(EVERYTHING):
        assert {"code", "severity", "message", "file", "line", "column", "help"} <= entry.keys()


def test_github(golden):
    assert render_github(EVERYTHING) == golden


def test_github_escapes_its_own_syntax():
    place = Label(Span(Source("a,b:c%.yaml", "x"), 0, 1))
    text = render_github([Diagnostic("K000", "100% ::set-output::", place)])
    assert text.startswith("::error file=a%2Cb%3Ac%25.yaml,")
    assert text.endswith("::100%25 ::set-output::\n")


def test_sarif(golden):
    assert render_sarif(EVERYTHING) == golden("json")


def test_sarif_quotes_paths_and_survives_json():
    place = Label(Span(Source("my recipes/ä.yaml", "x"), 0, 1))
    log = json.loads(json.dumps(render_sarif([Diagnostic("K000", "a fact", place)])))
    (result,) = log["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "my%20recipes/%C3%A4.yaml"


def test_a_mark_counts_what_it_escapes():
    assert width("\x1b") == len(visible("\x1b")) == 4
