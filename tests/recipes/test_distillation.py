"""Distillation brings a student near its teachers, by each of its ways, and says what it drops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kitchen.cli.plan_text import plan_text
from kitchen.cli.terminal import Page
from kitchen.compiler.plan import plan_of
from kitchen.runtime.calls import StageError
from kitchen.runtime.events import StageStopped
from kitchen.runtime.plugins import installed
from tests.architecture import ROOT
from tests.conftest import Golden
from tests.recipes.running import Ran, compile_file, run_file

RECIPE = """kitchen: 1
recipe: test
workflow: {workflow}
params:
  model: nano
  dataset: ./rows.jsonl
  batch_size: 4
  max_length: 48
  holdout: 0.2
{params}
adapters:
  training: torch
  sampling: torch
  datasets: files
  metrics: parquet
"""
TEACHER = """  epochs: 20
  learning_rate: 1e-2
"""
STUDENT = """  teachers: [./teacher/weights]
  learning_rate: 3e-3
  answer_tokens: 12
  seed: 1
"""
COLOURS = ("red", "blue", "green", "black", "white")
THINGS = ("door", "wall", "roof", "gate", "path", "lamp")


def write(folder: Path, workflow: str, params: str) -> Path:
    with (folder / "rows.jsonl").open("w") as rows:
        for number, thing in enumerate(THINGS):
            for place, colour in enumerate(COLOURS):
                answer = COLOURS[(number + place) % len(COLOURS)]
                question = f"The {thing} was {colour}. And now?"
                rows.write(json.dumps({"question": question, "answer": f"It is {answer}."}) + "\n")
    path = folder / f"{workflow}.yaml"
    path.write_text(RECIPE.format(workflow=workflow, params=params))
    return path


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with rows, and a teacher that was trained on them."""
    folder = tmp_path_factory.mktemp("taught")
    run_file(write(folder, "supervised", TEACHER), folder / "teacher")
    return folder


def distilled(folder: Path, name: str, **overrides: object) -> Ran:
    return run_file(write(folder, "distillation", STUDENT), folder / name, **overrides)


#: With samples enough for the estimate of the divergence to be worth something.
ON_POLICY = {"method": "on_policy", "iterations": 40, "samples_per_prompt": 4}


def values(ran: Ran, name: str) -> list[float]:
    return [value for _, value in ran.metrics[name]]


def stages(ran: Ran) -> list[str]:
    return [event.op.stage for event in ran.events if isinstance(event, StageStopped)]


WAYS: dict[str, dict[str, object]] = {
    "divergence alone": {"alpha": 1.0, "epochs": 3},
    "half and half": {"alpha": 0.5, "epochs": 3},
    "flatter": {"alpha": 0.5, "temperature": 2.0, "epochs": 3},
    "what teachers say": {"answers": "teachers", "alpha": 1.0, "epochs": 3},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_student_comes_near_its_teacher(taught: Path, way: str) -> None:
    ran = distilled(taught, way, **WAYS[way])
    assert ran.status == "done"
    before, after = values(ran, "eval/teacher_kl")
    assert 0 <= after < 0.8 * before
    assert (ran.folder / "weights" / "model.safetensors").is_file()
    steps = [step for step, _ in ran.metrics["train/teacher_kl"]]
    assert steps == list(range(1, len(steps) + 1))


def test_on_policy_a_student_comes_to_say_what_its_teacher_would(taught: Path) -> None:
    """A student that has begun to speak learns from what it says itself."""
    begun = "  epochs: 4\n  learning_rate: 1e-2\n"
    run_file(write(taught, "supervised", begun), taught / "begun")
    ran = distilled(taught, "on policy", model="./begun/weights", **ON_POLICY)
    distances = values(ran, "train/teacher_kl")
    assert sum(distances[-5:]) < 0.7 * sum(distances[:5])
    before, after = values(ran, "eval/teacher_kl")
    assert after < 0.8 * before


def test_the_objective_is_the_divergence_where_it_is_all(taught: Path) -> None:
    ran = distilled(taught, "alpha 1", alpha=1.0, micro_batch_size=2)
    assert values(ran, "train/loss") == pytest.approx(values(ran, "train/teacher_kl"), rel=1e-5)


def test_two_teachers_alike_teach_what_one_does(taught: Path) -> None:
    one = distilled(taught, "one")
    both = "[./teacher/weights, ./teacher/weights]"
    two = distilled(taught, "two", teachers=both, teacher_weights="[1.0, 3.0]")
    assert values(two, "train/loss") == pytest.approx(values(one, "train/loss"), rel=1e-4)
    together = values(two, "train/teacher_kl")
    for teacher in ("teacher_0", "teacher_1"):
        assert values(two, f"train/teacher_kl/{teacher}") == pytest.approx(together, rel=1e-4)
    assert "train/teacher_kl/teacher_0" not in one.metrics


def test_the_weights_of_teachers_decide(taught: Path) -> None:
    """A teacher that was never trained draws the student to itself as it gets more to say."""
    both = "[./teacher/weights, nano]"
    losses = []
    for say in (0.001, 1000.0):
        ran = distilled(taught, f"say {say}", teachers=both, teacher_weights=f"[1.0, {say}]")
        losses.append(values(ran, "eval/loss"))
        near, far = (values(ran, f"eval/teacher_kl/teacher_{n}")[-1] for n in (0, 1))
        assert (near < far) is (say < 1), "who has more to say is who it comes nearer to"
    assert losses[0][0] == losses[1][0]
    assert losses[0][-1] < losses[1][-1]


def test_teachers_are_let_go_before_the_student_trains(taught: Path) -> None:
    called = stages(distilled(taught, "closed"))
    assert called.index("close_teachers") < called.index("distill")
    assert called.count("soft_targets") == 2  # of the rows trained on, and of those held out


def test_the_same_seed_gives_the_same_bytes(taught: Path) -> None:
    for way in ({}, {"method": "on_policy", "iterations": 3}):
        runs = [distilled(taught, f"{name} {way}", **way) for name in ("first", "second")]
        other = distilled(taught, f"other {way}", **{**way, "seed": 2})
        files = [ran.folder / "weights/model.safetensors" for ran in (*runs, other)]
        weights = [file.read_bytes() for file in files]
        assert weights[0] == weights[1] != weights[2]
        assert runs[0].metrics == runs[1].metrics


def test_it_runs_on_noop(taught: Path) -> None:
    ports = ("training", "sampling", "datasets")
    noop: dict[str, object] = {f"adapters__{port}": "noop" for port in ports}
    noop |= {"iterations": 3, "learning_rate": 0.1}
    for name, way in (("off", {"answers": "teachers"}), ("on", {"method": "on_policy"})):
        assert distilled(taught, f"noop {name}", **way, **noop).status == "done"


# ------------------------------------------------------------------------------------- what is said


def test_vocabularies_that_differ_are_named_before_any_model_is_opened(taught: Path) -> None:
    """A second teacher whose tokenizer was trained on other text."""
    folder = taught / "elsewhere"
    folder.mkdir()
    recipe = write(folder, "supervised", "  max_steps: 1\n")
    text = "Of other things, in words that nobody else would use here."
    rows = [json.dumps({"question": f"What of {n}?", "answer": text}) for n in range(20)]
    (folder / "rows.jsonl").write_text("\n".join(rows) + "\n")
    run_file(recipe, folder / "teacher")
    with pytest.raises(StageError, match="have different vocabularies") as raised:
        distilled(taught, "odd", teachers="[./teacher/weights, ./elsewhere/teacher/weights]")
    assert raised.value.op.stage == "load_shared_tokenizer"
    assert not (taught / "odd" / "weights").exists()


def test_a_teacher_that_cannot_be_opened_ends_the_run(taught: Path) -> None:
    with pytest.raises(StageError, match=r"`\./nobody`"):
        distilled(taught, "nobody", teachers="[./nobody]")


def plan(folder: Path, **overrides: object) -> str:
    compiled = compile_file(write(folder, "distillation", STUDENT), **overrides)
    return plan_text(plan_of(compiled.program, installed(), compiled.diagnostics), Page(100))


def test_a_teacher_that_is_never_read_is_removed_and_said(tmp_path: Path, golden: Golden) -> None:
    text = plan(tmp_path, alpha=0)
    steps, removed = text.split("\nremoved\n")
    assert "open_teachers" not in steps
    assert "soft_targets" not in steps
    assert removed == golden
    assert "open_teachers" in plan(tmp_path, alpha=0.1).split("\nremoved\n")[0]


def test_what_the_other_method_needs_is_removed(tmp_path: Path) -> None:
    steps = plan(tmp_path, method="on_policy").split("\nremoved\n")[0]
    assert "teacher_advantages" in steps
    assert "build_soft_batches" not in steps


def test_the_shipped_recipe_compiles_clean() -> None:
    assert not compile_file(ROOT / "recipes/distill.yaml").diagnostics
