"""`kitchen export`: what it writes, what it refuses, what it says. The target is a toy."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from kitchen.compiler import targets
from kitchen.compiler.export import tasks_for
from kitchen.compiler.targets.target import Target
from kitchen.ir.serde.plan import read_plan
from kitchen.ir.task_graph import Task
from kitchen.runtime import store
from kitchen.runtime.manifest import verify_folder
from tests.cli.conftest import Kitchen, undigested
from tests.cli.conftest import kitchen as kitchen
from tests.conftest import Golden
from tests.targets.cases import RECIPES
from tests.targets.toy_target import TOY


@pytest.fixture(autouse=True)
def toys(pantry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is exported to is the toy target."""
    monkeypatch.setattr(targets._Targets, "__getitem__", lambda self, name: TOY)


@pytest.fixture
def recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kitchen: Kitchen) -> Path:
    """A copy of the recipes, which is the current folder."""
    shutil.copytree(RECIPES, tmp_path / "recipes")
    monkeypatch.chdir(tmp_path / "recipes")
    return tmp_path / "recipes"


def told(text: str) -> str:
    """What a command says, without digests and sizes."""
    return re.sub(r" [0-9,]+ k?B\b", " SIZE", undigested(text))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_an_export(kitchen: Kitchen, recipes: Path, golden: Golden) -> None:
    done = kitchen("export", "fixed_loop.yaml", "--to", "argo", "-o", "out", "--set", "times=2")
    assert (done.code, done.err) == (0, "")
    assert sorted(contents(Path("out"))) == [
        "MANIFEST.json",
        "README.md",
        "more/plan-size",
        "plan.json",
        "workflow.json",
    ]
    assert verify_folder(Path("out"), hashes=True) == []
    assert told(done.out) == golden
    assert undigested(Path("out/README.md").read_text()) == golden(name="README")


def test_what_a_target_cannot_cut_is_asked_for_until_nothing_is_left(
    kitchen: Kitchen, recipes: Path
) -> None:
    done = kitchen("export", "loop_in_a_map.yaml", "--to", "argo", "-o", "out", "--format", "json")
    facts = json.loads(done.out)
    assert facts["whole"] == {"turn": "toys do not go round"}
    plan = read_plan(Path("out/plan.json").read_bytes())
    names = [task.name for task in plan.graph.tasks()]
    assert names == json.loads(Path("out/workflow.json").read_text())
    assert facts["tasks"] == len(names)


def test_the_same_bytes_wherever_it_is_done(
    kitchen: Kitchen, recipes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kitchen("export", "sub_workflows.yaml", "--to", "argo", "-o", "out")
    here = contents(Path("out"))
    elsewhere = recipes.parent / "elsewhere" / "deep"
    elsewhere.parent.mkdir()
    shutil.copytree(RECIPES, elsewhere)
    for folder, recipe in (("/", elsewhere), (recipes.parent, Path("elsewhere/deep"))):
        monkeypatch.chdir(folder)
        out = recipe / "out"
        assert kitchen("export", recipe / "sub_workflows.yaml", "--to", "argo", "-o", out).code == 0
        assert contents(out) == here
        shutil.rmtree(out)
    said = b"".join(here.values()).decode()
    assert str(recipes.parent) not in said
    assert os.path.expanduser("~") not in said


def test_the_same_bytes_where_a_file_is_called_as_a_shipped_workflow(
    kitchen: Kitchen, recipes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (recipes / "own").mkdir()
    (recipes / "own" / "shipped.yaml").write_text(
        "kitchen: 1\nrecipe: shipped\nworkflow: supervised\n"
        "params: {model: nano, dataset: ./chat.jsonl}\n"
        "adapters: {training: noop, datasets: files, metrics: parquet}\n"
    )
    found = []
    for folder in (recipes, recipes / "own"):
        monkeypatch.chdir(folder)
        (recipes / "workflows" / "supervised.yaml").write_text("another")
        path = recipes / "own" / "shipped.yaml"
        assert kitchen("export", path, "--to", "argo", "-o", recipes / "own/out").code == 0
        found.append(contents(recipes / "own" / "out"))
    assert found[0] == found[1]


def test_data_is_where_the_recipe_is(kitchen: Kitchen, recipes: Path) -> None:
    for folder, base in (("out", ".."), ("../a/b", "../../recipes"), ("more/out", "../..")):
        assert kitchen("export", "map.yaml", "--to", "argo", "-o", folder).code == 0
        assert read_plan(Path(folder, "plan.json").read_bytes()).base == base


def test_an_export_takes_the_place_of_an_earlier_one(
    kitchen: Kitchen, recipes: Path, golden: Golden
) -> None:
    export = ("export", "fixed_loop.yaml", "--to", "argo", "-o", "out")
    kitchen(*export)
    first = contents(Path("out"))
    again = kitchen(*export)
    assert (again.code, contents(Path("out"))) == (0, first)
    assert told(again.out) == golden(name="again")
    other = kitchen(*export, "--set", "times=5")
    assert told(other.out) == golden(name="changed")
    assert contents(Path("out")) != first
    facts = json.loads(kitchen(*export, "--format", "json").out)
    assert facts["changes"] == {"README.md": "changed", "plan.json": "changed"}
    assert facts["replaced"] != facts["digest"]


def test_a_folder_with_something_else_in_it_is_left_alone(
    kitchen: Kitchen, recipes: Path, golden: Golden
) -> None:
    export = ("export", "map.yaml", "--to", "argo", "-o")
    kitchen(*export, "edited")
    Path("edited/workflow.json").write_text("[]")
    kitchen(*export, "added")
    Path("added/notes.txt").write_text("mine")
    Path("file").write_text("mine")
    Path("empty").mkdir()
    said = []
    for folder in ("edited", "added", "file", "workflows", "."):
        before = contents(Path(folder)) if Path(folder).is_dir() else None
        done = kitchen(*export, folder)
        assert done.code == 2
        assert before is None or contents(Path(folder)) == before
        said.append(done.err)
    assert "\n".join(said) == golden
    assert kitchen(*export, "empty").code == 0


def test_what_is_wrong_is_said_before_anything_is_written(
    kitchen: Kitchen, recipes: Path, golden: Golden
) -> None:
    text = Path("map.yaml").read_text() + "targets:\n  argo:\n    loud: yes\n"
    Path("loud.yaml").write_text(text)
    done = kitchen("export", "loud.yaml", "--to", "argo", "-o", "out")
    assert done.code == 2
    assert done.err == golden
    assert not Path("out").exists()
    facts = json.loads(
        kitchen("export", "loud.yaml", "--to", "argo", "-o", "out", "--format", "json").out
    )
    assert [fault["code"] for fault in facts["diagnostics"]] == ["K599"]


HUB, OPENAI = "hf_" + "a1B2" * 9, "sk-" + "proj-" * 5
KEPT = """\
adapters:
  llm:
    use: openai
    url: http://localhost
    model: m
    api_key: {env: NAME}
"""


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (f"params: {{text: {HUB}}}\n", ()),
        ("", ("--set", f"text={OPENAI}")),
        ("targets: {argo: {env: {DATABASE_PASSWORD: hunter2}}}\n", ()),
        (KEPT.replace("env: NAME", "value: hunter2"), ()),
    ],
    ids=("recipe", "setting", "variable", "adapter"),
)
def test_a_secret_is_not_exported(
    kitchen: Kitchen, recipes: Path, golden: Golden, more: str, words: tuple[str, ...]
) -> None:
    text = Path("map_of_one_task.yaml").read_text()
    Path("secret.yaml").write_text(text + more)
    done = kitchen("export", "secret.yaml", "--to", "argo", "-o", "out", *words)
    assert done.code == 2
    assert done.err == golden
    assert not any(secret in done.err for secret in (HUB, OPENAI, "hunter2"))
    assert not Path("out").exists()


def test_references_to_secrets_are_exported(kitchen: Kitchen, recipes: Path) -> None:
    section = "targets: {argo: {secrets: {API_KEY: {name: a, key: b}}, env: {TOKENS: '5'}}}\n"
    text = Path("map_of_one_task.yaml").read_text()
    Path("fine.yaml").write_text(text + KEPT + section)
    assert kitchen("export", "fine.yaml", "--to", "argo", "-o", "out").code == 0


def test_a_target_that_does_not_exist(kitchen: Kitchen) -> None:
    done = kitchen("export", "recipe.yaml", "--to", "argos", "-o", "out")
    assert done.code == 2
    assert "did you mean `argo`?" in done.err


def test_a_disk_that_fails_leaves_nothing_behind(
    kitchen: Kitchen, recipes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(old: Path, new: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "system", store.SystemCalls(rename=full))
    done = kitchen("export", "map.yaml", "--to", "argo", "-o", "out")
    assert done.code == 3
    assert "K706" in done.err
    assert [path.name for path in recipes.iterdir() if "out" in path.name] == []


def test_asking_ends(pantry: None) -> None:
    """A target that names what is whole already is not asked for ever."""
    from kitchen.api import compile_recipe
    from kitchen.loaded import registry

    program = compile_recipe(RECIPES / "fixed_loop.yaml").program
    stubborn = Target(
        name="argo", doc="", whole=lambda *_: {"turn": "always"}, emit=lambda _: ({}, ())
    )
    graph, whole, faults = tasks_for(stubborn, program, registry())
    assert (whole, faults) == ({"turn": "always"}, ())
    assert all(isinstance(node, Task) for node in graph.nodes)
