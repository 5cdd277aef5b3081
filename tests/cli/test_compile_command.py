"""`kitchen compile`: what it shows, and what it says of what it cannot compile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Kitchen, undigested
from tests.cli.schema import faults
from tests.conftest import Golden


@pytest.mark.parametrize("recipe", ["counts", "guards", "train"])
def test_text(kitchen: Kitchen, golden: Golden, recipe: str) -> None:
    done = kitchen("compile", f"{recipe}.yaml")
    assert done.code == 0
    assert done.err == ""
    assert undigested(done.out) == golden("txt", name=recipe)


def test_narrow(kitchen: Kitchen, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "56")
    done = kitchen("compile", "counts.yaml", "--set", "keep=true")
    assert all(len(line) <= 56 for line in done.out.splitlines())
    assert undigested(done.out) == golden


def test_colour(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = kitchen("compile", "counts.yaml").out
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = kitchen("compile", "counts.yaml").out
    assert "\x1b[1mload_dataset\x1b[0m" in coloured
    assert "\x1b" not in plain


@pytest.mark.parametrize(("form", "extension"), [("mermaid", "mmd"), ("dot", "dot")])
def test_drawings(kitchen: Kitchen, golden: Golden, form: str, extension: str) -> None:
    done = kitchen("compile", "counts.yaml", "--format", form)
    assert done.code == 0
    assert done.out == golden(extension)


@pytest.mark.parametrize("shown", ["source", "ir"])
def test_show(kitchen: Kitchen, golden: Golden, shown: str) -> None:
    done = kitchen("compile", "counts.yaml", "--show", shown, "--set", "turns=5")
    assert done.code == 0
    assert done.out == golden


@pytest.mark.parametrize("recipe", ["counts", "guards", "train"])
def test_what_show_source_prints_means_the_same(
    kitchen: Kitchen, tmp_path: Path, recipe: str
) -> None:
    resolved, _, _ = kitchen("compile", f"{recipe}.yaml", "--show", "source").out.partition("---\n")
    (tmp_path / "resolved.yaml").write_text(resolved)
    template = Path(f"{recipe}.template.yaml")
    (tmp_path / template.name).write_text(template.read_text())
    wanted = json.loads(kitchen("compile", f"{recipe}.yaml", "--format", "json").out)["digest"]
    done = kitchen("compile", tmp_path / "resolved.yaml", "--format", "json")
    assert json.loads(done.out)["digest"] == wanted


def test_after_shows_the_program_as_that_rewrite_leaves_it(kitchen: Kitchen) -> None:
    early = kitchen("compile", "counts.yaml", "--after", "fold_constants").out
    late = kitchen("compile", "counts.yaml", "--show", "ir").out
    assert "save_state_2" in early
    assert "save_state_2" not in late


@pytest.mark.parametrize("recipe", ["counts", "shipped", "train"])
def test_plan_json_obeys_its_schema(kitchen: Kitchen, recipe: str) -> None:
    plan = json.loads(kitchen("compile", f"{recipe}.yaml", "--format", "json").out)
    schema = json.loads(kitchen("schema", "plan").out)
    assert faults(plan, schema) == []


def test_plan_json(kitchen: Kitchen) -> None:
    plan = json.loads(kitchen("compile", "counts.yaml", "--format", "json", "--set", "every=2").out)
    assert plan["params"]["turns"]["value"] == 7
    assert {name: param["origin"] for name, param in plan["params"].items()} == {
        "dataset": "recipe", "turns": "recipe", "every": "--set", "labels": "default",
        "keep": "default", "loss": "default",
    }  # fmt: skip
    assert plan["params"]["turns"]["span"] == "counts.yaml:6:10"
    assert plan["ports"]["training"]["adapter"] == "noop"
    assert "loss.cross_entropy" in plan["ports"]["training"]["uses"]
    assert plan["ports"]["metrics"]["stages"] == ["log_metrics", "log_evaluation"]
    assert plan["totals"]["calls_by_stage"]["evaluate"] == 3
    assert plan["totals"]["calls_by_stage"]["forward_backward"] == "?"
    assert plan["totals"]["iterations"] == {"turn": 7, "batch": "?", "label": 2}
    assert [removal["op"] for removal in plan["removed"]] == ["save_state_2"]
    assert plan["diagnostics"] == []


def test_the_same_recipe_has_the_same_plan_wherever_it_lies(
    kitchen: Kitchen, tmp_path: Path
) -> None:
    for name in ("train.yaml", "train.template.yaml"):
        (tmp_path / name).write_text(Path(name).read_text())
    here = json.loads(kitchen("compile", "train.yaml", "--format", "json").out)
    there = json.loads(kitchen("compile", tmp_path / "train.yaml", "--format", "json").out)
    changed = json.loads(
        kitchen("compile", "train.yaml", "--format", "json", "--set", "turns=3").out
    )
    assert here["digest"] == there["digest"] != changed["digest"]


def test_faults_as_text(kitchen: Kitchen, golden: Golden) -> None:
    done = kitchen("compile", "faulty.yaml")
    assert (done.code, done.out) == (2, "")
    assert done.err == golden


def test_faults_as_json(kitchen: Kitchen) -> None:
    done = kitchen("compile", "faulty.yaml", "--format", "json")
    assert (done.code, done.err) == (2, "")
    first, second = json.loads(done.out)["diagnostics"]
    wanted = {"code", "severity", "message", "file", "line", "column", "help"}
    assert wanted <= first.keys()
    assert (first["code"], first["file"], first["line"]) == ("K150", "faulty.yaml", 6)
    assert (second["code"], second["line"], second["column"]) == ("K302", 8, 13)


def test_faults_for_services(kitchen: Kitchen) -> None:
    github = kitchen("compile", "faulty.yaml", "--format", "github")
    assert github.code == 2
    assert github.out.startswith("::error file=faulty.yaml,line=6,")
    sarif = kitchen("compile", "faulty.yaml", "--format", "sarif")
    assert json.loads(sarif.out)["version"] == "2.1.0"
    clean = kitchen("compile", "counts.yaml", "--format", "github")
    assert (clean.code, clean.out) == (0, "")


def test_probe(kitchen: Kitchen) -> None:
    done = kitchen("compile", "train.yaml", "--probe")
    assert done.code == 0
    assert "messages, by its columns" in done.out
    assert "It is 1.<eos>⟧" in done.out


def test_probe_refuses_data_that_cannot_be_read(kitchen: Kitchen) -> None:
    done = kitchen("compile", "train.yaml", "--probe", "--set", "dataset=nowhere.jsonl")
    assert done.code == 2
    assert "`nowhere.jsonl`" in done.err


def test_text_from_a_recipe_cannot_steer_the_terminal(kitchen: Kitchen, tmp_path: Path) -> None:
    text = Path("train.yaml").read_text().replace("chat.jsonl", '"\\e[2J\\u202egnp.exe"')
    (tmp_path / "train.yaml").write_text(text)
    template = Path("train.template.yaml").read_text()
    (tmp_path / "train.template.yaml").write_text(template)
    for arguments in ([], ["--show", "source"], ["--format", "mermaid"], ["--format", "dot"]):
        done = kitchen("compile", tmp_path / "train.yaml", *arguments)
        assert done.code == 0
        assert not {"\x1b", "\u202e"} & {*done.out}
