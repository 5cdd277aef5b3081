"""Recipes joined with the templates they name: parameters, overrides, adapters, inner templates."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitchen.compiler.frontend.expand import Expanded, expand
from kitchen.compiler.frontend.parse import parse_recipe
from kitchen.compiler.frontend.syntax import IfStep, LoopStep, Template, WorkflowStep
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.fit import misfit
from kitchen.ir.program import Origin
from kitchen.ir.source import Source
from kitchen.ir.spec import AdapterSpec, Registry, Setting
from kitchen.ir.types import FLOAT, INT, STR, UNKNOWN
from tests.compiler.frontend.faults import shown

TEMPLATE = """\
kitchen: 1
workflow: supervised
params:
  model: {type: str}
  epochs: {type: int, default: 1, min: 1, max: 100}
  rate: {type: float, default: 1e-4}
  schedule: {type: str, default: linear, choices: [linear, cosine, constant]}
  stop: {type: "list[str]", default: []}
  limit: {type: int?}
  loss: {type: record, default: {}}
  shuffle: {type: bool, default: true}
steps: []
"""

TORCH = AdapterSpec(
    port="training",
    name="torch",
    config=(Setting(name="device", type=STR), Setting(name="scale", type=FLOAT)),
)


def registry(**workflows: str) -> Registry:
    texts = {"supervised": TEMPLATE, **workflows}
    return Registry(
        adapters={"training": {"torch": TORCH}},
        workflows={name: Source(f"{name}.yaml", text) for name, text in texts.items()},
    )


def recipe_text(params: str = "model: tiny", workflow: str = "supervised", more: str = "") -> str:
    lines = ["kitchen: 1", "recipe: example", f"workflow: {workflow}", f"params: {{{params}}}"]
    return "\n".join([*lines, *([dedent(more)] if more else [])]) + "\n"


def expanded(
    text: str, *, name: str = "recipe.yaml", known: Registry | None = None, **overrides: str
) -> tuple[Expanded | None, tuple[Diagnostic, ...]]:
    recipe, diagnostics = parse_recipe(Source(name, text))
    assert diagnostics == ()
    assert recipe is not None
    given = {name.replace("__", "."): value for name, value in overrides.items()}
    return expand(recipe, known or registry(), given)


def values(text: str, **overrides: str) -> dict[str, tuple[object, Origin]]:
    found, diagnostics = expanded(text, **overrides)
    assert diagnostics == ()
    assert found is not None
    return {p.value.name: (p.setting, p.origin) for p in found.parameters}


def test_parameters_come_from_set_then_recipe_then_default():
    text = recipe_text("model: tiny, epochs: 2, rate: 1, stop: [a, 0755], limit: 0x10")
    found = values(text, epochs="3", schedule="cosine")
    assert found == {
        "model": ("tiny", Origin.RECIPE),
        "epochs": (3, Origin.SET),
        "rate": (1.0, Origin.RECIPE),
        "schedule": ("cosine", Origin.SET),
        "stop": (["a", "0755"], Origin.RECIPE),
        "limit": (16, Origin.RECIPE),
        "loss": ({}, Origin.DEFAULT),
        "shuffle": (True, Origin.DEFAULT),
    }
    assert isinstance(found["rate"][0], float)


@pytest.mark.parametrize(
    ("name", "text", "meant"),
    [
        ("model", "007", "007"),
        ("model", "null", "null"),
        ("model", " a: [b ", " a: [b "),
        ("model", "${x}", "${x}"),
        ("epochs", "0x10", 16),
        ("rate", "3", 3.0),
        ("rate", "1e-4", 1e-4),
        ("shuffle", "false", False),
        ("limit", "null", None),
        ("limit", "7", 7),
        ("stop", "[a, 1e-4, 'b c']", ["a", "1e-4", "b c"]),
        ("loss", "{clip: 0.2}", {"clip": 0.2}),
    ],
)
def test_overrides_are_read_as_the_parameter_is_declared(name: str, text: str, meant: object):
    assert values(recipe_text(), **{name: text})[name] == (meant, Origin.SET)


def test_texts_of_a_recipe_are_data():
    found = values(recipe_text('model: "${epochs}", schedule: cosine, stop: ["$${a}"]'))
    assert found["model"] == ("${epochs}", Origin.RECIPE)
    assert found["stop"] == (["$${a}"], Origin.RECIPE)


def test_parameters_know_where_they_were_set_and_declared():
    found, _ = expanded(recipe_text("model: tiny"), epochs="3")
    assert found is not None
    places = {p.value.name: (str(p.span), str(p.declared)) for p in found.parameters[:3]}
    assert places == {
        "model": ("recipe.yaml:4:17", "supervised.yaml:4:3"),
        "epochs": ("--set:1:8", "supervised.yaml:5:3"),
        "rate": ("None", "supervised.yaml:6:3"),
    }


def test_adapters_and_their_overrides():
    more = """\
        adapters:
          training: {use: torch, device: 0, scale: 2}
          datasets: {use: files, folder: 07, deep: {a: [1, x]}}
          metrics: parquet
    """
    found, diagnostics = expanded(
        recipe_text(more=more), adapters__metrics="noop", adapters__blobs="memory"
    )
    assert diagnostics == ()
    assert found is not None
    assert [(b.port, b.adapter, b.config) for b in found.bindings] == [
        ("training", "torch", (("device", "0"), ("scale", 2.0))),
        ("datasets", "files", (("folder", 7), ("deep", {"a": [1, "x"]}))),
        ("metrics", "noop", ()),
        ("blobs", "memory", ()),
    ]
    assert [b.span.text for b in found.bindings if b.span is not None] == [
        "training: {use: torch, device: 0, scale: 2}",
        "datasets: {use: files, folder: 07, deep: {a: [1, x]}}",
        "adapters.metrics=noop",
        "adapters.blobs=memory",
    ]


TEXT = st.one_of(st.text(), st.text(alphabet=st.sampled_from("[]{}:,'\"-+.0123456789eax_ ~\n\0")))


@given(st.sampled_from(["model", "epochs", "rate", "schedule", "stop", "limit", "loss"]), TEXT)
def test_any_override_gives_a_value_or_diagnostics(name: str, text: str):
    found, diagnostics = expanded(recipe_text(), **{name: text})
    assert found is not None
    parameter = next(p for p in found.parameters if p.value.name == name)
    assert parameter.origin is Origin.SET
    if not diagnostics:
        declared = next(p for p in found.template.params if p.setting.name == name)
        assert misfit(declared.setting, parameter.setting) is None
    for diagnostic in diagnostics:
        assert diagnostic.primary is not None
        span = diagnostic.primary.span
        assert span.source.name == "--set"
        assert 0 <= span.start <= span.end <= len(span.source.text)


REFUSED: dict[str, tuple[str, dict[str, str]]] = {
    "choice": (recipe_text("model: tiny, schedule: cosin"), {}),
    "choice_set": (recipe_text(), {"schedule": "cosin"}),
    "list_set": (recipe_text(), {"stop": "a,b", "loss": "{a: [1"}),
    "misspelled": (recipe_text("modle: tiny"), {}),
    "missing": (recipe_text(""), {}),
    "missing_word": (recipe_text("model: "), {}),
    "numbers": (recipe_text("model: tiny, epochs: 1e400, rate: .nan, stop: [.inf, 99]"), {}),
    "range": (recipe_text("model: tiny, epochs: 0"), {}),
    "range_set": (recipe_text(), {"epochs": "101"}),
    "types": (recipe_text("model: [a], epochs: '3', rate: fast, stop: x, shuffle: 1"), {}),
    "types_set": (recipe_text(), {"epochs": "many", "shuffle": "yes", "limit": "1.5"}),
    "unknown": (recipe_text("model: tiny, epoch: 3, zzz: 1"), {}),
    "unknown_set": (recipe_text(), {"epoch": "3", "adapter.training": "noop"}),
    "workflow": (recipe_text(workflow="supervized"), {}),
    "workflow_file": (recipe_text(workflow="./missing.yaml"), {}),
    "workflow_folder": (recipe_text(workflow=".."), {}),
    "workflow_nul": (recipe_text(workflow='"./a\\0.yaml"'), {}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str, golden):
    text, overrides = REFUSED[case]
    _, diagnostics = expanded(text, **{k.replace(".", "__"): v for k, v in overrides.items()})
    assert diagnostics
    given = "".join(f"--set {name}={value}\n" for name, value in overrides.items())
    assert shown(text + given, diagnostics) == golden


def test_a_parameter_that_was_reported_is_not_judged_again():
    found, diagnostics = expanded(recipe_text("model: tiny, epochs: 0"))
    assert len(diagnostics) == 1
    assert found is not None
    types = {p.value.name: p.value.type for p in found.parameters}
    assert (types["epochs"], types["limit"].required) == (UNKNOWN, INT)


def inner(*steps: str) -> str:
    lines = ["kitchen: 1", "workflow: inner", "steps:", *(f"  - {step}" for step in steps)]
    return "\n".join(lines if steps else [*lines[:2], "steps: []"]) + "\n"


def test_inner_templates_are_attached_wherever_they_stand():
    leaf = inner("stage: load")
    outer = inner(
        "workflow: leaf",
        "{loop: i, over: range(2), steps: [{workflow: leaf}]}",
        "{if: x, then: [{workflow: leaf}], else: [{workflow: leaf}]}",
    )
    outer += "finally: [{workflow: leaf}]\non_failure: [{workflow: leaf}]\n"
    known = registry(leaf=leaf, outer=outer)
    found, diagnostics = expanded(recipe_text("", workflow="outer"), known=known)
    assert diagnostics == ()
    assert found is not None
    attached = list(templates(found.template))
    assert [template.name for template in attached] == ["inner"] * 6
    assert all(template is attached[0] for template in attached)


def templates(template: Template) -> list[Template]:
    """The templates attached directly to the steps of one, at any depth of steps."""
    found: list[Template] = []
    waiting = [*template.steps, *template.finally_, *template.on_failure]
    while waiting:
        match waiting.pop():
            case WorkflowStep(template=Template() as attached):
                found.append(attached)
            case LoopStep(steps=steps):
                waiting += steps
            case IfStep(then=then, orelse=orelse):
                waiting += [*then, *orelse]
    return found


def test_files_are_found_from_the_document_that_names_them(tmp_path: Path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "main.yml").write_text(inner("workflow: parts/first.yaml"))
    (tmp_path / "parts" / "first.yaml").write_text(inner("workflow: ./second.yaml"))
    (tmp_path / "parts" / "second.yaml").write_text(inner("stage: load"))
    name = str(tmp_path / "recipe.yaml")
    found, diagnostics = expanded(recipe_text("", workflow="main.yml"), name=name)
    assert diagnostics == ()
    assert found is not None
    (first,) = templates(found.template)
    (second,) = templates(first)
    assert second.span.source.name == str(tmp_path / "parts" / "second.yaml")


INLINED = {
    "cycle": {"a": inner("workflow: b"), "b": inner("workflow: c"), "c": inner("workflow: a")},
    "deep": {f"a{i}" if i else "a": inner(f"workflow: a{i + 1}") for i in range(20)},
    "faulty": {"a": inner("stge: x", "workflow: b", "workflow: b"), "b": inner("loop: x")},
    "itself": {"a": inner("workflow: a")},
    "recipe": {"a": inner("workflow: b"), "b": recipe_text()},
    "too_many": {
        f"a{i}" if i else "a": inner(*[f"workflow: a{i + 1}"] * 10) if i < 6 else inner("stage: x")
        for i in range(7)
    },
    "unknown": {"a": inner("workflow: supervize")},
}


@pytest.mark.parametrize("case", INLINED)
def test_inner_templates_that_are_refused(case: str, golden):
    known = registry(**INLINED[case])
    _, diagnostics = expanded(recipe_text("", workflow="a"), known=known)
    assert diagnostics
    documents = "\n".join(f"# {name}.yaml\n{text}" for name, text in INLINED[case].items())
    assert shown(documents, diagnostics) == golden


def test_a_template_of_a_cycle_is_still_expanded():
    known = registry(a=inner("workflow: a", "stage: load"))
    found, _ = expanded(recipe_text("", workflow="a"), known=known)
    assert found is not None
    assert len(found.template.steps) == 2
