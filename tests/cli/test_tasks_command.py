"""`kitchen compile --show tasks`: the tasks of a recipe, as text and for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Kitchen, undigested
from tests.conftest import Golden

SHIPPED = Path(__file__).parents[2] / "recipes"

TORN = """\
kitchen: 1
workflow: torn
params:
  model: {type: str, default: nano}
  dataset: {type: str, default: ./chat.jsonl}
steps:
  - stage: load_dataset
    with: {source: "${dataset}"}
  - stage: load_tokenizer
    with: {model: "${model}"}
  - stage: open_session
    with: {model: "${model}"}
    image: trainer:1
  - stage: save_weights
    image: trainer:2
"""


@pytest.mark.parametrize("recipe", ["counts", "guards", "train"])
def test_text(kitchen: Kitchen, golden: Golden, recipe: str) -> None:
    done = kitchen("compile", f"{recipe}.yaml", "--show", "tasks")
    assert (done.code, done.err) == (0, "")
    assert undigested(done.out) == golden("txt", name=recipe)


def test_the_tasks_of_the_shipped_recipe(kitchen: Kitchen, golden: Golden) -> None:
    done = kitchen("compile", SHIPPED / "sft.yaml", "--show", "tasks")
    assert done.code == 0
    assert undigested(done.out) == golden


def test_narrow(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    done = kitchen("compile", SHIPPED / "sft.yaml", "--show", "tasks")
    assert all(len(line) <= 72 for line in done.out.splitlines())


def test_json(kitchen: Kitchen) -> None:
    done = kitchen("compile", SHIPPED / "sft.yaml", "--show", "tasks", "--format", "json")
    plan = json.loads(done.out)
    names = [node["name"] for node in plan["nodes"]]
    assert names == ["load_dataset_to_split_dataset", "tokenize", "tokenize_2", "session"]
    assert {edge["target"] for edge in plan["edges"]} <= set(names)
    crossing = [value for edge in plan["edges"] for value in edge["values"]]
    assert {value["as"] for value in crossing} == {"artifact"}
    assert not {value["type"] for value in crossing} & {"Session", "Tokenizer"}
    session = plan["nodes"][-1]
    assert session["finally"] == ["close_session"]
    assert [reason["text"] for reason in session["reasons"]] == ["share `session`"]


def test_what_cannot_be_cut_is_refused(kitchen: Kitchen, tmp_path: Path) -> None:
    (tmp_path / "torn.yaml").write_text(TORN)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "kitchen: 1\nrecipe: torn\nworkflow: torn.yaml\n"
        "adapters: {training: noop, datasets: files}\n"
    )
    done = kitchen("compile", recipe, "--show", "tasks")
    assert done.code == 2
    assert "K501" in done.err
    assert "torn.yaml:14:" in done.err
    assert kitchen("compile", recipe).code == 0


@pytest.mark.parametrize(("form", "extension"), [("mermaid", "mmd"), ("dot", "dot")])
def test_drawings(kitchen: Kitchen, golden: Golden, form: str, extension: str) -> None:
    done = kitchen("compile", "guards.yaml", "--show", "tasks", "--format", form)
    assert (done.code, done.err) == (0, "")
    assert done.out == golden(extension)
