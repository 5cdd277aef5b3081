"""What a recipe is exported to for Argo does, as Argo would do it, what `kitchen run` does."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from kitchen.cli.application import main
from tests.architecture import ROOT
from tests.compiler.targets.argo_exports import CHECK, second_opinions, workflow
from tests.compiler.targets.argo_interpreter import Argo
from tests.conftest import Golden
from tests.recipes.test_recipes_in_tasks import outcome
from tests.targets.cases import CASES, RECIPES, Case, environment

Export = Callable[..., Path]

SHIPPED = sorted((ROOT / "recipes").glob("*.yaml"))

#: One recipe for each shape that is worth reading.
SHOWN = (
    "condition", "map", "map_over_a_known_list", "nested_maps", "fixed_loop", "until_loop",
    "endings", "retries", "nodes",
)  # fmt: skip


@pytest.fixture
def export(pantry: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Export:
    """Exports a recipe of `recipes/` with some settings; gives the folder."""
    monkeypatch.setenv("KITCHEN_CACHE", str(tmp_path / "cache"))

    def run(recipe: str, *words: str) -> Path:
        folder = tmp_path / "export"
        path = RECIPES / f"{recipe}.yaml"
        assert main(["export", str(path), "--to", "argo", "-o", str(folder), *words]) == 0
        return folder

    return run


class Pods:
    """Runs the commands of containers here, with the folders that they name in other places."""

    def __init__(self, export: Path, run: Path) -> None:
        self.export, self.run = export, run
        self.told = run.parent / "told"
        self.codes: list[int] = []

    def __call__(self, words: list[str]) -> tuple[int, Mapping[str, str]]:
        places = {
            "/kitchen/plan/plan.json": str(self.export / "plan.json"),
            "--run=/kitchen/storage/runs/run-1": f"--run={self.run}",
            "--run-dir=/kitchen/storage/runs/run-1": f"--run={self.run}",
            "--base=/kitchen/storage": f"--base={RECIPES}",
            "--decisions=/tmp/kitchen-decisions": f"--decisions={self.told}",
        }
        self.codes.append(main([places.get(word, word) for word in words[1:]] + ["--quiet"]))
        files = self.told.iterdir() if self.told.is_dir() else ()
        return self.codes[-1], {f"/tmp/kitchen-decisions/{p.name}": p.read_text() for p in files}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_argo_does_what_a_run_does(case: Case, export: Export, tmp_path: Path) -> None:
    folder, run = export(case.recipe, *case.words), tmp_path / "run"
    pods = Pods(folder, run)
    text = (folder / "workflow.yaml").read_text()
    assert second_opinions(text) == ()
    status = Argo(workflow({"workflow.yaml": text}), pods).run()
    assert status == ("Succeeded" if case.fails is None else "Failed")
    kept = {name: json.loads((run / name).read_text()) for name in case.keeps}
    assert kept == case.keeps
    assert 2 not in pods.codes
    assert 99 not in pods.codes


@pytest.mark.parametrize("recipe", SHOWN)
def test_workflows(recipe: str, export: Export, golden: Golden) -> None:
    """The recipe, and below it what Argo is given."""
    template = (RECIPES / "workflows" / f"{recipe}.yaml").read_text()
    workflow = (export(recipe) / "workflow.yaml").read_text()
    assert undigested(f"{template}---\n{workflow}") == golden("yaml")


def undigested(text: str) -> str:
    """Without the digest of the plan in the name of its ConfigMap."""
    return re.sub(r"-plan-[0-9a-f]{10}", "-plan-DIGEST", text)


@pytest.mark.parametrize("recipe", SHIPPED, ids=lambda path: path.stem)
def test_shipped_recipes(recipe: Path, tmp_path: Path) -> None:
    assert main(["export", str(recipe), "--to", "argo", "-o", str(tmp_path / "export")]) == 0
    assert second_opinions((tmp_path / "export" / "workflow.yaml").read_text()) == ()


@pytest.mark.slow
def test_a_training_ends_with_the_same_weights(export: Export, tmp_path: Path) -> None:
    """Byte for byte, and the same metrics in the same order."""
    recipe = ROOT / "recipes" / "sft.yaml"
    words = ["--set", "max_steps=6", "--set", "model=nano", "--set", "max_length=48",
             "--set", "dataset=package:chatterbot_corpus/data/english/computers.yml"]  # fmt: skip
    folder, one, many = tmp_path / "sft", tmp_path / "one", tmp_path / "many"
    assert main(["export", str(recipe), "--to", "argo", "-o", str(folder), *words]) == 0
    assert main(["run", str(recipe), "--run-dir", str(one), "--quiet", *words]) == 0
    document = workflow({"workflow.yaml": (folder / "workflow.yaml").read_text()})
    assert Argo(document, Pods(folder, many)).run() == "Succeeded"
    alone = outcome(one)
    assert outcome(many) == alone
    assert any(str(path).endswith("model.safetensors") for path in alone)
    assert alone["metrics"]


def test_one_process_of_a_job_does_the_work(
    export: Export,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`torchrun` starts all of them with the same words."""
    plan, run = export("nodes") / "plan.json", tmp_path / "run"
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    for rank, worked in ((1, False), (0, True)):
        monkeypatch.setenv("RANK", str(rank))
        capsys.readouterr()
        assert main(["task", str(plan), "number", "--run", str(run)]) == 0
        assert ("no work" in capsys.readouterr().out) is not worked
        assert (run / "tasks" / "number" / "outcome").is_dir() is worked


@pytest.mark.slow
def test_torchrun_starts_a_job(export: Export, tmp_path: Path) -> None:
    """Two processes with the words of the job: one works, and both end well."""
    folder, run = export("nodes"), tmp_path / "run"
    assert main(["task", str(folder / "plan.json"), "number", "--run", str(run), "--quiet"]) == 0
    document = workflow({"workflow.yaml": (folder / "workflow.yaml").read_text()})
    (job,) = [t["resource"] for t in document["spec"]["templates"] if "resource" in t]
    words = yaml.safe_load(job["manifest"])["spec"]["trainer"]["command"]
    assert words[:4] == ["torchrun", "-m", "kitchen", "task"]
    places = {
        "/kitchen/plan/plan.json": str(folder / "plan.json"),
        "{{inputs.parameters.task}}": "double",
        "--at={{inputs.parameters.at}}": "--at=",
        "--run-dir={{workflow.parameters.runs}}/{{workflow.name}}": f"--run-dir={run}",
        "--base={{workflow.parameters.base}}": f"--base={RECIPES}",
    }
    assert places.keys() <= {*words}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--nproc-per-node=2",
            *(places.get(word, word) for word in words[1:]),
        ],
        env=environment() | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("this one has no work") == 1
    assert (run / "tasks" / "double" / "outcome").is_dir()


def test_a_plan_may_be_compressed(export: Export, tmp_path: Path) -> None:
    folder, run = export("diamond"), tmp_path / "run"
    packed = tmp_path / "plan.json.gz"
    packed.write_bytes(gzip.compress((folder / "plan.json").read_bytes()))
    assert main(["task", str(packed), "number", "--run", str(run)]) == 0
    assert (run / "plan.json").read_bytes() == (folder / "plan.json").read_bytes()
    packed.write_bytes(packed.read_bytes()[:-20])
    assert main(["task", str(packed), "number", "--run", str(run)]) == 2


@pytest.mark.skipif(not CHECK.is_file(), reason="Argo's definitions are not beside the checkout")
def test_an_api_server_would_take_them(export: Export) -> None:
    """The check as a command of its own, over a workflow and over what is none."""
    folder = export("nested_maps")
    words = [sys.executable, str(CHECK), str(folder / "workflow.yaml")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "argo-crd-check: 1 manifests, 0 faults\n")
