"""Faults that other systems had, and that nothing else here shows not to be kitchen's.

Each test names the issue in which people met it.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from kitchen.compiler.compile import Compiled
from kitchen.ir.diagnostic import CompileError
from kitchen.ir.program import Stage
from kitchen.ir.render import render_text
from kitchen.ir.walk import walk
from kitchen.runtime import turns
from kitchen.runtime.adapters.problems import addition
from kitchen.runtime.calls import StageError
from kitchen.runtime.ports import Problem
from tests.conftest import Golden
from tests.recipes.preferences import write_preferences
from tests.recipes.running import compile_file, run_file
from tests.runtime import letters
from tests.runtime.letters import LetterTokenizer

RECIPE = """kitchen: 1
recipe: test
workflow: reinforcement
params:
  model: nano
  problems: 5
  group_size: 3
  iterations: 4
  max_tokens: 1
  learning_rate: 3e-1
  eval_problems: 0
adapters:
  training: noop
  sampling: noop
  environment: {use: addition, digits: 1, format_penalty: 0.5}
  metrics: parquet
"""


def written(folder: Path, text: str = RECIPE) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return path


def told(compiled: Compiled, folder: Path) -> str:
    """What is said, wherever it stands in a shipped template."""
    text = render_text(compiled.diagnostics).replace(str(folder), "FOLDER")
    text = re.sub(r"(workflows/\w+\.yaml):\d+", r"\1:N", text)
    return re.sub(r"(?m)^\d\d\d \|", "  N |", text)


def refused(folder: Path, text: str) -> str:
    with pytest.raises(CompileError) as raised:
        compile_file(written(folder, text))
    return render_text(raised.value.diagnostics).replace(str(folder), "FOLDER")


# ------------------------------------------------------------------------------- reinforcement


@pytest.mark.parametrize("minibatches", [1, 4])
def test_no_problem_is_left_out_or_met_twice(
    tmp_path: Path, minibatches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NeMo-RL#3599: 675 of 736 prompts that were skipped went unseen, the long ones above all.

    Here the problems of an iteration are a function of its number: whatever becomes of their
    groups, each problem has its attempts once.
    """
    met: list[Problem] = []
    begin = addition.Addition.begin

    def watched(self: addition.Addition, problem: Problem) -> addition.Sum:
        met.append(problem)
        return begin(self, problem)

    monkeypatch.setattr(addition.Addition, "begin", watched)
    ran = run_file(written(tmp_path), tmp_path / "run", minibatches=minibatches)
    skipped = [value for _, value in ran.metrics["frac_reward_zero_std"]]
    assert 0 < sum(skipped) < len(skipped), "some groups teach nothing, and some do"
    assert Counter(problem.index for problem in met) == dict.fromkeys(range(4 * 5), 3)
    assert {problem.split for problem in met} == {"train"}


def test_sizes_need_not_divide_each_other(tmp_path: Path) -> None:
    """trl#2858, #2876, #3199, #3656: batch sizes that do not divide end a run at its launch."""
    settings = {"adapters__training": "torch", "adapters__sampling": "torch", "iterations": 2}
    settings |= {"learning_rate": 1e-3, "minibatches": 4, "epochs": 2}
    whole = run_file(written(tmp_path), tmp_path / "whole", **settings)
    parts = run_file(written(tmp_path), tmp_path / "parts", **settings, micro_batch_size=2)
    for name in ("train/grad_norm", "optim/kl_sample_train_v2", "train/tokens", "reward"):
        one, other = ([value for _, value in ran.metrics[name]] for ran in (whole, parts))
        assert one
        assert other == pytest.approx(one, rel=1e-3, abs=1e-6)


def test_a_reference_that_is_named_is_the_reference(tmp_path: Path, golden: Golden) -> None:
    """tinker-cookbook, `train_dpo.py`: `reference_model_name` is declared and never read."""
    named = RECIPE.replace("params:\n", "params:\n  reference: ./teacher\n")
    assert told(compile_file(written(tmp_path, named)), tmp_path) == golden
    compiled = compile_file(written(tmp_path, named), kl=0.1)
    assert compiled.diagnostics == ()
    models = [
        dict(op.config)["model"]
        for op in walk(compiled.program.body)
        if isinstance(op, Stage) and op.stage == "open_session"
    ]
    assert [str(getattr(model, "value", model)) for model in models] == ["nano", "./teacher"]


def test_evaluations_that_never_come_are_told_of(tmp_path: Path, golden: Golden) -> None:
    """open-instruct#1810: an interval as long as the run, and nobody is told that nothing comes."""
    text = RECIPE.replace("eval_problems: 0", "eval_problems: 8\n  eval_every: 5")
    assert told(compile_file(written(tmp_path, text)), tmp_path) == golden


def test_a_conversation_begins_once() -> None:
    """trl#1400, #1114, #3328: two tokens that begin a sequence, in training or in sampling."""
    prompt = ({"role": "user", "content": "12+34="},)
    for template in (None, letters.begins_itself):
        tokenizer = LetterTokenizer(template, begins=True)
        first = turns.first_turn(tokenizer, prompt)
        after = turns.next_turn(tokenizer, prompt, [*tokenizer.encode(["46"])[0], 1], "no")
        whole = np.concatenate([first, after])
        assert (whole == tokenizer.bos_id).sum() == 1
        assert whole[0] == tokenizer.bos_id


# ------------------------------------------------------------------------- phases and artifacts


def test_weights_are_no_state(tmp_path: Path, golden: Golden) -> None:
    """tinker-cookbook#446: a sampler's path where training was to go on from a state."""
    template = """kitchen: 1
workflow: chained
params:
  model: {type: str}
steps:
  - stage: problem_tokenizer
    with: {model: "${model}"}
  - stage: open_session
    with: {model: "${model}"}
  - stage: save_weights
  - stage: load_state
    in: {state: weights}
  - stage: save_state
    with: {name: last}
"""
    (tmp_path / "chained.yaml").write_text(template)
    text = """kitchen: 1
recipe: test
workflow: ./chained.yaml
params: {model: nano}
adapters: {training: noop, environment: addition}
"""
    assert refused(tmp_path, text) == golden


# ----------------------------------------------------------------------------------- preference


def test_data_for_no_step_is_told_before_training(tmp_path: Path) -> None:
    """open-instruct#1796: no step, and a division by none at the end."""
    recipe = write_preferences(tmp_path, copies=1)
    lines = (tmp_path / "pairs.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "pairs.jsonl").write_text("".join(lines[:2]))
    ran = run_file(recipe, tmp_path / "two", holdout=0.01, epochs=1)
    assert len(ran.metrics["train/loss"]) == 1, "one row is held out, and one is trained on"
    (tmp_path / "pairs.jsonl").write_text(lines[0])
    with pytest.raises(StageError) as raised:
        run_file(recipe, tmp_path / "one", holdout=0.01)
    assert raised.value.op.stage == "split_dataset"
