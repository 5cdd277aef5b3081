"""The evaluate workflow runs the model: what it scores is what the model said."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from kitchen.ir.diagnostic import CompileError
from kitchen.runtime.calls import StageError
from kitchen.runtime.events import StageStopped
from tests.architecture import ROOT
from tests.recipes.running import Ran, compile_file, run_file

ROWS = [
    ("Name a fruit.", "apple"),
    ("Name a colour.", "blue"),
    ("How many legs has a dog?", "4"),
    ("What do bees make?", "honey"),
]

RECIPE = """kitchen: 1
recipe: test
workflow: {workflow}
params:
  model: nano
  dataset: ./rows.jsonl
{params}
adapters:
  training: torch
  sampling: torch
  datasets: files
  metrics: parquet
"""


def write(folder: Path, workflow: str = "evaluate", params: str = "") -> Path:
    rows = [json.dumps({"question": question, "answer": answer}) for question, answer in ROWS]
    (folder / "rows.jsonl").write_text("\n".join(rows) + "\n")
    path = folder / f"{workflow}.yaml"
    path.write_text(RECIPE.format(workflow=workflow, params=params))
    return path


def rows_of(ran: Ran) -> list[dict[str, Any]]:
    text = (ran.folder / "evaluations" / "answers.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def last(ran: Ran, name: str) -> float:
    return ran.metrics[name][-1][1]


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with rows, and with weights that know their answers by heart."""
    folder = tmp_path_factory.mktemp("learnt")
    params = "  holdout: 0\n  epochs: 60\n  batch_size: 4\n  learning_rate: 1e-2"
    run_file(write(folder, "supervised", params), folder / "trained", schedule="constant")
    return folder


def test_a_model_that_knows_the_answers_gives_them(learnt: Path) -> None:
    ran = run_file(
        write(learnt),
        learnt / "known",
        model="./trained/weights",
        scorers="[exact_match, contains, token_f1]",
    )
    assert [row["answer"] for row in rows_of(ran)] == [answer for _, answer in ROWS]
    assert [row["prompt"] for row in rows_of(ran)] == [question for question, _ in ROWS]
    assert last(ran, "eval/exact_match") == last(ran, "eval/token_f1") == 1.0
    assert last(ran, "eval/answers_ended") == 1.0
    assert last(ran, "eval/loss") < 0.1
    assert last(ran, "eval/perplexity") == pytest.approx(math.exp(last(ran, "eval/loss")))


def test_a_model_that_does_not_know_them_does_not(learnt: Path) -> None:
    ran = run_file(write(learnt), learnt / "unknown", answer_tokens=6)
    assert last(ran, "eval/exact_match") == 0.0
    assert last(ran, "eval/loss") > 3
    assert last(ran, "eval/answer_tokens") <= 6


def test_the_mean_is_that_of_the_rows(learnt: Path) -> None:
    overrides = {"scorers": "[contains, regex, numeric]", "pattern": "[a-z]", "loss": "false"}
    recipe = write(learnt)
    with pytest.raises(StageError, match="prompt 1 holds no number: `apple`"):
        run_file(recipe, learnt / "numbers", model="./trained/weights", **overrides)
    overrides["scorers"] = "[contains, regex]"
    ran = run_file(recipe, learnt / "scored", model="./trained/weights", **overrides)
    rows = rows_of(ran)
    assert [row["scores"]["regex"] for row in rows] == [1.0, 1.0, 0.0, 1.0]
    assert last(ran, "eval/regex") == 0.75
    assert last(ran, "eval/regex_stderr") == pytest.approx(0.25)
    assert "eval/loss" not in ran.metrics


def stages(ran: Ran) -> list[str]:
    return [event.op.stage for event in ran.events if isinstance(event, StageStopped)]


def test_without_scorers_nothing_is_asked(tmp_path: Path) -> None:
    ran = run_file(write(tmp_path), tmp_path / "run", scorers="[]")
    assert "answer_prompts" not in stages(ran)
    assert not (ran.folder / "evaluations").exists()
    assert ran.metrics.keys() >= {"eval/loss", "eval/bits_per_byte"}


def test_problems_of_an_environment_take_the_place_of_a_data_set(tmp_path: Path) -> None:
    recipe = write(tmp_path, params="  problems: 6\n  answer_tokens: 3")
    text = recipe.read_text().replace("  dataset: ./rows.jsonl\n", "")
    text = text.replace("  datasets: files\n", "  environment: addition\n")
    recipe.write_text(text)
    ran = run_file(recipe, tmp_path / "run")
    assert 0 <= last(ran, "eval/accuracy") <= 1
    assert len(ran.sample("problems")) == 6
    assert "eval/loss" not in ran.metrics


def test_a_limit_takes_the_first_rows(tmp_path: Path) -> None:
    ran = run_file(write(tmp_path), tmp_path / "run", limit=2, answer_tokens=2)
    assert [row["references"] for row in rows_of(ran)] == [["apple"], ["blue"]]


def test_a_row_may_have_several_answers(learnt: Path) -> None:
    """Whichever of them the model gives is right; its loss is that of the first."""
    recipe = write(learnt)
    several = [
        {"question": question, "answer": ["nothing of the kind", answer]}
        for question, answer in ROWS[:2]
    ]
    (learnt / "several.jsonl").write_text("".join(json.dumps(row) + "\n" for row in several))
    given = {"model": "./trained/weights", "dataset": "./several.jsonl"}
    ran = run_file(recipe, learnt / "several", **given)
    assert last(ran, "eval/exact_match") == 1.0
    assert last(ran, "eval/loss") > 1
    assert rows_of(ran)[0]["references"] == ["nothing of the kind", "apple"]


def test_a_pattern_that_is_none_is_said_before_the_model_is_asked(tmp_path: Path) -> None:
    recipe = write(tmp_path, params="  scorers: [regex]\n  pattern: '('")
    with pytest.raises(StageError, match="is no regular expression"):
        run_file(recipe, tmp_path / "run")
    assert not (tmp_path / "run" / "evaluations").exists()


JUDGED = """  judge: true
  scorers: []
  loss: false
"""


def test_a_judge_grades_every_answer(tmp_path: Path) -> None:
    recipe = write(tmp_path, params=JUDGED)
    judge = '  llm: {use: noop, reply: "Fine.\\nGRADE: 4"}\n'
    recipe.write_text(recipe.read_text() + judge)
    ran = run_file(recipe, tmp_path / "run", answer_tokens=4)
    assert last(ran, "eval/judge") == 0.75
    assert [row["scores"] for row in rows_of(ran)] == [{"judge": 0.75}] * 4
    assert "score_answers" not in stages(ran)


def test_a_judge_that_gives_no_grade_gives_no_figure(tmp_path: Path) -> None:
    recipe = write(tmp_path, params=JUDGED)
    recipe.write_text(recipe.read_text() + "  llm: {use: noop, reply: Fine.}\n")
    with pytest.raises(StageError, match="no reply of the judge has a grade"):
        run_file(recipe, tmp_path / "run", answer_tokens=4)


def test_a_judge_needs_a_model_to_be_asked(tmp_path: Path) -> None:
    recipe = write(tmp_path, params=JUDGED)
    with pytest.raises(CompileError) as raised:
        compile_file(recipe)
    assert any("llm" in diagnostic.message for diagnostic in raised.value.diagnostics)


@pytest.mark.parametrize("adapter", ["torch", "noop"])
def test_the_same_seed_gives_the_same_rows(tmp_path: Path, adapter: str) -> None:
    recipe = write(tmp_path)
    given = {"temperature": 1.0, "answer_tokens": 6, "adapters__sampling": adapter}
    given["adapters__training"] = adapter
    runs = [run_file(recipe, tmp_path / name, **given) for name in ("first", "second")]
    other = run_file(recipe, tmp_path / "other", seed=1, **given)
    texts = [(ran.folder / "evaluations/answers.jsonl").read_bytes() for ran in (*runs, other)]
    assert texts[0] == texts[1] != texts[2]
    assert runs[0].metrics == runs[1].metrics


def test_the_shipped_recipe_compiles_clean() -> None:
    assert not compile_file(ROOT / "recipes/evaluate.yaml").diagnostics


def test_a_recipe_with_nothing_to_evaluate_on_is_told_so(tmp_path: Path) -> None:
    recipe = write(tmp_path)
    recipe.write_text(recipe.read_text().replace("  dataset: ./rows.jsonl\n", ""))
    with pytest.raises(StageError, match="no data set is named"):
        run_file(recipe, tmp_path / "run")


@pytest.mark.parametrize(
    ("api_key", "faults"), [("{env: JUDGE_KEY}", 0), ("sk-written-out", 1)], ids=["named", "bare"]
)
def test_a_key_is_named_and_never_written(tmp_path: Path, api_key: str, faults: int) -> None:
    recipe = write(tmp_path, params=JUDGED)
    server = f"{{use: openai, url: https://example.org/v1, model: m, api_key: {api_key}}}"
    recipe.write_text(recipe.read_text() + f"  llm: {server}\n")
    try:
        found = compile_file(recipe).diagnostics
    except CompileError as raised:
        found = raised.diagnostics
    assert len(found) == faults
    assert all("api_key" in one.message for one in found)
