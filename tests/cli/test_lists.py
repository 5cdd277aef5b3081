"""`kitchen list`, `explain`, `new`, `schema`, `diff`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from kitchen.cli.list import KINDS
from tests.architecture import ROOT
from tests.cli.conftest import Kitchen, undigested
from tests.cli.schema import faults
from tests.conftest import Golden


@pytest.mark.parametrize("kind", KINDS)
def test_list(kitchen: Kitchen, kind: str) -> None:
    done = kitchen("list", kind)
    found = json.loads(kitchen("list", kind, "--format", "json").out)
    assert done.code == 0
    assert found
    for one in found:
        assert one["name"] in done.out
        assert one["doc"]


@pytest.mark.parametrize("name", ["k202", "K306", "forward_backward", "metrics", "torch", "files"])
def test_explain(kitchen: Kitchen, name: str, golden: Golden) -> None:
    done = kitchen("explain", name)
    assert done.code == 0
    assert done.out == golden("txt", name=name)


def test_every_code_has_a_page(kitchen: Kitchen) -> None:
    from kitchen.compiler.codes import CODES

    for code in CODES:
        page = kitchen("explain", code)
        assert page.code == 0
        assert page.out.startswith(code)
        assert "cure" in page.out


def test_every_stage_port_and_workflow_is_explained(kitchen: Kitchen) -> None:
    for kind in ("stages", "ports", "workflows"):
        for one in json.loads(kitchen("list", kind, "--format", "json").out):
            assert kitchen("explain", one["name"]).code == 0


def test_new_recipe_compiles(kitchen: Kitchen, tmp_path: Path) -> None:
    for one in json.loads(kitchen("list", "workflows", "--format", "json").out):
        file = tmp_path / f"{one['name']}.yaml"
        made = kitchen("new", one["name"], file)
        assert made.code == 0
        assert made.out == f"wrote {file}; next: kitchen compile {file}\n"
        compiled = kitchen("compile", file)
        assert (compiled.code, compiled.err) == (0, "")
        assert "warning" not in compiled.out


def test_new_to_the_terminal(kitchen: Kitchen) -> None:
    text = kitchen("new", "supervised").out
    document = yaml.safe_load(text)
    assert document["workflow"] == "supervised"
    assert list(document["params"]) == ["model", "dataset"]
    assert "\n  # epochs: 1" in text


def test_schema_fits_the_shipped_recipes(kitchen: Kitchen) -> None:
    recipe, template = (json.loads(kitchen("schema", kind).out) for kind in ("recipe", "template"))
    for path in sorted((ROOT / "recipes").glob("*.yaml")):
        assert faults(_document(path), recipe) == []
    for path in sorted((ROOT / "recipes" / "workflows").glob("*.yaml")):
        assert faults(_document(path), template) == []


def test_schema_knows_schedules_and_targets(kitchen: Kitchen) -> None:
    schema = json.loads(kitchen("schema").out)
    recipe = {"kitchen": 1, "recipe": "a", "workflow": "./a.yaml"}
    for schedule in ("0 3 * * *", "@daily", {"cron": "0 3 * * *", "timezone": "UTC"}):
        assert faults(recipe | {"schedule": schedule, "targets": {"argo": {}}}, schema) == []
    for wrong in ({"schedule": "daily"}, {"schedule": {"timezone": "UTC"}}, {"targets": {"x": {}}}):
        assert faults(recipe | wrong, schema)


def test_schema_finds_what_is_wrong(kitchen: Kitchen) -> None:
    schema = json.loads(kitchen("schema", "--workflow", "supervised").out)
    recipe = {"kitchen": 1, "recipe": "a", "workflow": "supervised"}
    params = {"model": "tiny", "dataset": "x", "epochs": 0, "epoch": 1}
    adapters = {"training": {"use": "torch", "devise": "cpu"}}
    found = faults({**recipe, "params": params, "adapters": adapters}, schema)
    assert ".params.epochs: 0 is too small" in found
    assert ".params.epoch is unknown" in found
    assert any(fault.startswith(".adapters.training: fits not one") for fault in found)


def _document(path: Path) -> object:
    """A document as YAML 1.2 reads it: `2e-3` is a number."""
    import re

    text = re.sub(r"(: )(\d+)(e-?\d+)", r"\1\2.0\3", path.read_text(encoding="utf-8"))
    return yaml.safe_load(text)


def test_diff(kitchen: Kitchen, golden: Golden, tmp_path: Path) -> None:
    assert "they mean the same" in kitchen("diff", "counts.yaml", "counts.yaml").out
    changed = tmp_path / "changed.yaml"
    text = Path("counts.yaml").read_text().replace("turns: 7", "turns: 8\n  keep: true")
    changed.write_text(text.replace("training: noop", "training: {use: torch, device: cpu}"))
    (tmp_path / "counts.template.yaml").write_text(Path("counts.template.yaml").read_text())
    done = kitchen("diff", "counts.yaml", changed, "--set", "loss=tempered_cross_entropy")
    assert done.code == 0
    assert undigested(done.out.replace(f"{tmp_path}/", "")) == golden


def test_diff_with_a_run(kitchen: Kitchen, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert kitchen("run", "train.yaml", "--run-dir", run, "--quiet").code == 0
    assert "they mean the same" in kitchen("diff", run, "train.yaml").out
    changes = json.loads(
        kitchen("diff", run, "train.yaml", "--set", "batch_size=4", "--format", "json").out
    )
    assert changes["params"] == [
        {"change": "changed", "name": "batch_size", "settings": {"value": [2, 4]}}
    ]
    (step,) = changes["ops"]
    assert (step["path"], step["name"]) == (["turn"], "build_batches")
    assert step["settings"] == {"batch_size": [2, 4]}
