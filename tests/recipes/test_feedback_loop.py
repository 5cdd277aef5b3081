"""The feedback loop trains when it is time, keeps versions, and is exact when it is killed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kitchen.cli.told import told
from kitchen.runtime.events import StageStopped
from tests.architecture import ROOT
from tests.recipes.running import Ran, run_file
from tests.runtime.kill import Life, Runs, outcome

RECIPES = ROOT / "recipes"
KILLED, DONE = -9, 0


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """The shipped recipe with its data, and a registry of its own."""
    return copied(tmp_path / "recipes")


def copied(folder: Path) -> Path:
    (folder / "data").mkdir(parents=True)
    for name in ("feedback.yaml", "data/feedback.jsonl", "data/questions.csv"):
        shutil.copyfile(RECIPES / name, folder / name)
    return folder / "feedback.yaml"


def run(recipe: Path, number: int, **overrides: object) -> Ran:
    given = {"model": "nano"} | overrides
    return run_file(recipe, recipe.parent.parent / f"run-{number}", **given)


def stages(ran: Ran) -> list[str]:
    return [event.op.stage for event in ran.events if isinstance(event, StageStopped)]


def reasons(ran: Ran) -> list[str | None]:
    told = [event.reason for event in ran.events if isinstance(event, StageStopped)]
    return [reason for reason in told if reason is not None]


def add(recipe: Path, count: int, *, rating: int = 0, correction: str = "Stir it. {}") -> None:
    """New judgements, of prompts that were not judged before."""
    path = recipe.parent / "data/feedback.jsonl"
    lines = path.read_text().splitlines()
    for at in range(len(lines), len(lines) + count):
        judged = {"prompt": f"What about dish {at}?", "response": "Who knows.", "rating": rating}
        lines.append(json.dumps(judged | {"correction": correction.format(at)}))
    path.write_text("\n".join(lines) + "\n")


def registered(recipe: Path) -> tuple[list[dict[str, object]], list[int]]:
    """The versions in the registry, and those that were in use."""
    folder = recipe.parent.parent / "runs/registry/cook"
    versions = [json.loads(path.read_text()) for path in sorted(folder.glob("versions/*/*.json"))]
    described = [version for version in versions if "version" in version]
    return described, json.loads((folder / "baselines.json").read_text())["versions"]


def test_the_first_run_trains_and_the_second_has_nothing_to_do(recipe: Path) -> None:
    first, second = run(recipe, 1), run(recipe, 2)
    assert first.status == second.status == "done"
    assert reasons(first) == ["training is due: 19 of 48 new judgements are bad"]
    assert first.metrics["feedback/due"] == [(0, 1.0)]
    losses = [value for _, value in first.metrics["eval/loss"]]
    assert losses[-1] < losses[0]
    versions, used = registered(recipe)
    assert [version["version"] for version in versions] == used == [1]
    assert versions[0]["judgements"] == 48
    metrics = versions[0]["metrics"]
    assert isinstance(metrics, dict)
    assert metrics["loss"] == first.metrics["benchmark/loss"][-1][1]

    assert reasons(second) == ["nothing is due: 0 new judgements of 20"]
    assert stages(second) == ["find_versions", "check_feedback", "log_feedback"]
    lines = [told(event, frozenset(), 0) for event in second.events]
    assert "check_feedback: nothing is due: 0 new judgements of 20" in lines
    journal = map(json.loads, (second.folder / "journal.jsonl").read_text().splitlines())
    kept = [line["reason"] for line in journal if line.get("stage") == "check_feedback"]
    assert kept == reasons(second)
    assert not (second.folder / "weights").exists()
    assert registered(recipe) == (versions, used)


def test_the_weights_in_the_registry_are_those_of_the_run(recipe: Path) -> None:
    ran = run(recipe, 1)
    versions, _ = registered(recipe)
    kept = recipe.parent / str(versions[0]["uri"])
    for path in (ran.folder / "weights").iterdir():
        if path.name != "MANIFEST.json":
            assert (kept / path.name).read_bytes() == path.read_bytes()


def test_a_better_version_goes_on_from_the_baseline_and_takes_its_place(recipe: Path) -> None:
    first = run(recipe, 1)
    add(recipe, 20, correction="Salt, water and heat.")
    second = run(recipe, 2, epochs=2)
    before, after = (value for _, value in second.metrics["benchmark/loss"])
    assert before == pytest.approx(first.metrics["benchmark/loss"][-1][1], rel=1e-5)
    assert after < before
    assert registered(recipe)[1] == [1, 2]
    assert reasons(run(recipe, 3)) == ["nothing is due: 0 new judgements of 20"]


def test_a_worse_version_is_registered_and_not_put_in_use(recipe: Path) -> None:
    run(recipe, 1)
    add(recipe, 20)
    second = run(recipe, 2, epochs=4, learning_rate=1.0)
    before, after = (value for _, value in second.metrics["benchmark/loss"])
    assert after > before
    versions, used = registered(recipe)
    assert [version["version"] for version in versions] == [1, 2]
    assert used == [1]
    assert reasons(run(recipe, 3)) == ["nothing is due: 0 new judgements of 20"]


def test_good_answers_are_no_reason_to_train(recipe: Path) -> None:
    run(recipe, 1)
    add(recipe, 22, rating=1)
    assert reasons(run(recipe, 2)) == [
        "nothing is due: 0% of 22 new judgements are bad, less than 20%"
    ]


def test_what_is_trained_on_is_what_people_said(recipe: Path) -> None:
    ran = run(recipe, 1)
    lines = (ran.folder / "datasets/feedback.jsonl").read_text().splitlines()
    judged = [
        json.loads(line)
        for line in (recipe.parent / "data/feedback.jsonl").read_text().splitlines()
    ]
    said = {row["prompt"]: row.get("correction", row["response"]) for row in judged}
    assert "Yes." not in said.pop("Can I whip warm cream?").removesuffix("Yes.")  # bad, no cure
    found = {}
    for line in lines:
        user, assistant = json.loads(line)["messages"]
        assert (user["role"], assistant["role"]) == ("user", "assistant")
        found[user["content"]] = assistant["content"]
    assert found == said


def test_everything_runs_without_a_model_or_a_file(tmp_path: Path) -> None:
    path = copied(tmp_path / "recipes")
    text = path.read_text()
    path.write_text(text[: text.index("adapters:")] + NOOP)
    ran = run_file(path, tmp_path / "run")
    assert ran.status == "done"
    assert reasons(ran) == ["training is due: 16 of 32 new judgements are bad"]
    assert stages(ran)[-3:] == ["register_model", "promote", "close_session"]


NOOP = """adapters:
  training: noop
  datasets: noop
  metrics: parquet
  feedback: noop
  registry: memory
"""

# ------------------------------------------------------------------------------------ exactness

#: Where a run dies: each is followed by a run that goes on to the end.
DEATHS = {
    "before anything is decided": ["before check_feedback 1"],
    "after it is decided": ["after check_feedback 1"],
    "in training": ["after optim_step 7"],
    "before the model is registered": ["before register_model 1"],
    "after the model is registered": ["after register_model 1"],
    "after it is put in use": ["after promote 1"],
    "many times": ["after optim_step 9", "after register_model 1", "after promote 1"],
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with Runs(tmp_path_factory.mktemp("runs")) as runs:
        yield runs


def kept(recipe: Path) -> dict[str, bytes]:
    folder = recipe.parent.parent / "runs/registry"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "LOCK"
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("checkpoint_every", "deaths"), [(5, tuple(DEATHS)), (0, ("after it is put in use",))]
)
def test_a_killed_loop_ends_the_same(
    runs: Runs, tmp_path: Path, checkpoint_every: int, deaths: tuple[str, ...]
) -> None:
    settings = ["model=nano", f"checkpoint_every={checkpoint_every}"]
    whole = copied(tmp_path / "whole/recipes")
    life = Life(runs, whole, tmp_path / "whole/run", settings)
    assert life.go() == DONE, runs.output
    for number, points in enumerate(DEATHS[when] for when in deaths):
        recipe = copied(tmp_path / str(number) / "recipes")
        mortal = Life(runs, recipe, tmp_path / str(number) / "run", settings)
        for point in points:
            assert mortal.go(point) == KILLED, (point, runs.output)
            if (mortal.path / "decisions/feedback.json").exists():
                add(recipe, 3)  # the world goes on meanwhile; the run goes on as it began
        assert mortal.go() == DONE, runs.output
        assert outcome(mortal.path) == outcome(life.path), points
        assert kept(recipe) == kept(whole), points
