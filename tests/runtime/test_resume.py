"""A run that is killed anywhere, any number of times, ends as one that never was.

Weights, optimizer, random state, metrics and samples are compared byte for byte.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kitchen.runtime.run_directory import RunDirectory
from kitchen.runtime.store import commit_file, commit_folder
from tests.architecture import ROOT
from tests.runtime.crashing_run import FAULTS
from tests.runtime.kill import Life, Runs, outcome
from tests.runtime.scenarios import flip_bit

pytestmark = pytest.mark.slow

KILLED, DONE, BAD_INPUT, FAILED, STOPPED, INTERRUPTED = -9, 0, 2, 3, 75, 130

RECIPE = """
kitchen: 1
recipe: resume
workflow: ./supervised-and-state.yaml
params:
  model: nano
  dataset: ./chat.jsonl
  epochs: 2
  batch_size: 4
  RATE
  lora_rank: 2
  lora_dropout: 0.1      # draws random numbers in every step
  checkpoint_every: 3    # and an epoch has nine
  eval_every: 1
  keep_best: true
  sample_prompts: [red green]
  sample_tokens: 4
adapters:
  training: ADAPTER
  sampling: ADAPTER
  datasets: files
  metrics: parquet
"""


#: Too high: the best state is not the last.
RATES = {"torch": "learning_rate: 0.1", "noop": "learning_rate: 2\n  schedule: constant"}
WORDS = ("red", "green", "blue", "small", "large", "round", "soft", "warm", "cold", "new", "old")


def write_recipes(folder: Path) -> None:
    """Forty short chats, and the supervised workflow with the last state kept beside."""
    with (folder / "chat.jsonl").open("w") as rows:
        for row in range(40):
            question = " ".join(WORDS[row * (n + 1) % len(WORDS)] for n in range(1, 3 + row % 5))
            answer = " ".join(WORDS[(row + n * n) % len(WORDS)] for n in range(1, 4 + row % 4))
            turns = (("user", question), ("assistant", answer))
            messages = [{"role": role, "content": text} for role, text in turns]
            rows.write(json.dumps({"messages": messages}) + "\n")
    template = (ROOT / "recipes/workflows/supervised.yaml").read_text()
    before = "  - if: best_state != None"
    assert template.count(before) == 1
    keep = "  - stage: save_state\n    as: last_state\n    with: {name: last}\n"
    (folder / "supervised-and-state.yaml").write_text(template.replace(before, keep + before))
    for adapter in ("noop", "torch"):
        text = RECIPE.replace("ADAPTER", adapter).replace("RATE", RATES[adapter])
        (folder / f"{adapter}.yaml").write_text(text)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("runs")
    write_recipes(folder)
    with Runs(folder) as runs:
        yield runs


@pytest.fixture(scope="module", params=["noop", "torch"])
def adapter(request: pytest.FixtureRequest) -> str:
    return str(request.param)


_whole: dict[tuple[Path, str], dict[str, object]] = {}


def whole(runs: Runs, adapter: str) -> dict[str, object]:
    """What a run makes that nothing disturbs, in a process of its own, with other hashes."""
    key = (runs.folder, adapter)
    if key not in _whole:
        path = runs.folder / f"whole-{adapter}"
        command = [sys.executable, "-m", "kitchen", "run", str(runs.folder / f"{adapter}.yaml")]
        environment = {**os.environ, **runs.environment, "PYTHONHASHSEED": "7"}
        subprocess.run(
            [*command, "--run-dir", str(path), "--quiet"], check=True, cwd=ROOT, env=environment
        )
        _whole[key] = outcome(path)
        metrics = _whole[key]["metrics"]
        assert isinstance(metrics, list)
        assert len({step for step, name, _ in metrics if name == "train/loss"}) == 18
        assert {"states/last/MANIFEST.json", "weights/MANIFEST.json"} <= _whole[key].keys()
        assert {"samples/before.json", "samples/after.json"} <= _whole[key].keys()
    return _whole[key]


def differences(one: dict[str, object], other: dict[str, object]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


#: Where a run dies, one process after another; nine steps an epoch, a checkpoint every three.
DEATHS = {
    "before the first step": ["before forward_backward 1"],
    "between gradient and step": ["after forward_backward 5"],
    "before a checkpoint": ["after log_metrics 6"],
    "before the first byte of a checkpoint": ["commit 2 1"],
    "at the end of an epoch": ["after log_metrics 9"],
    "before the next epoch": ["before build_batches 2"],
    "in the evaluation of an epoch": ["before log_evaluation 2"],
    "while the best state is kept": ["after save_state 2"],
    "at the last step": ["before optim_step 18"],
    "before the best state is taken": ["before load_state 1"],
    "before the weights are saved": ["before save_weights 1"],
    "after the weights are saved": ["after save_weights 1"],
    "when all is done": ["before close_session 1"],
    "many times": [
        "after optim_step 1",
        "after optim_step 4",
        "before forward_backward 2",
        "commit 1 4",
        "after forward_backward 9",
        "before save_weights 1",
    ],
    "asked to stop, twice, and killed": [
        "after optim_step 2 SIGTERM",
        "before forward_backward 3 SIGINT",
        "after optim_step 3",
        "before load_state 1 SIGTERM",
    ],
    "interrupted, and at once again": [
        "after optim_step 5 SIGINT SIGINT",
        "before save_weights 1 SIGTERM SIGINT",
    ],
}


@pytest.mark.parametrize("when", DEATHS)
def test_a_killed_run_ends_the_same(runs: Runs, adapter: str, when: str, tmp_path: Path) -> None:
    life = Life(runs, runs.folder / f"{adapter}.yaml", tmp_path / "run")
    for point in DEATHS[when]:
        code = (KILLED, STOPPED, INTERRUPTED)[point.count("SIG")]
        assert life.go(point) == code, (point, runs.output)
    assert life.go() == DONE, runs.output
    assert not differences(outcome(life.path), whole(runs, adapter))


def test_a_checkpoint_may_be_cut_off_at_any_call(runs: Runs, tmp_path: Path) -> None:
    """Every fifth call to the disk of the third checkpoint, one folder for all of them."""
    life = Life(runs, runs.folder / "noop.yaml", tmp_path / "run")
    assert life.go("commit 3 1") == KILLED
    call = 1
    while life.go(f"commit 1 {call}") == KILLED:
        call += 5
    assert call > 20, "a checkpoint has more calls than that"
    assert not differences(outcome(life.path), whole(runs, "noop"))


@pytest.mark.parametrize("call", range(1, 400, 37))
def test_a_run_may_die_at_any_call(runs: Runs, call: int, tmp_path: Path) -> None:
    life = Life(runs, runs.folder / "noop.yaml", tmp_path / "run")
    assert life.go(f"disk {call}") == KILLED
    assert life.go() == DONE, runs.output
    assert not differences(outcome(life.path), whole(runs, "noop"))


@pytest.mark.parametrize("call", range(20, 400, 53))
def test_a_full_disk_ends_a_run_that_can_go_on(runs: Runs, call: int, tmp_path: Path) -> None:
    life = Life(runs, runs.folder / "noop.yaml", tmp_path / "run")
    assert life.go(f"full {call}") == FAILED
    assert "no space left on device" in runs.output
    assert "make room on that disk and resume" in runs.output
    assert life.go() == DONE, runs.output
    assert not differences(outcome(life.path), whole(runs, "noop"))


@pytest.mark.parametrize("damaged", [1, 2])
def test_a_run_goes_on_from_what_is_whole(
    runs: Runs, adapter: str, damaged: int, tmp_path: Path
) -> None:
    """From the checkpoint before the newest, or from the beginning where none is left."""
    life = Life(runs, runs.folder / f"{adapter}.yaml", tmp_path / "run")
    assert life.go("after optim_step 8") == KILLED
    for path in sorted((life.path / "checkpoints").glob("0*"))[-damaged:]:
        flip_bit(path / "state.json")
    assert life.go() == DONE, runs.output
    assert runs.output.count("is passed over") == damaged
    assert not differences(outcome(life.path), whole(runs, adapter))


def test_a_run_in_use_is_left_alone(runs: Runs, tmp_path: Path) -> None:
    life = Life(runs, runs.folder / "noop.yaml", tmp_path / "run")
    assert life.go("after optim_step 4") == KILLED
    with RunDirectory(life.path).lock():
        assert life.go() == BAD_INPUT
        assert f"is in use by process {os.getpid()} on " in runs.output
    assert life.go() == DONE


def stopped_elsewhere(runs: Runs, folder: Path) -> Life:
    """A run that was stopped, whose recipe nobody else uses."""
    write_recipes(folder)
    life = Life(runs, folder / "noop.yaml", folder / "run")
    assert life.go("after optim_step 4 SIGTERM") == STOPPED
    return life


def test_changed_data_are_refused(runs: Runs, tmp_path: Path) -> None:
    life = stopped_elsewhere(runs, tmp_path)
    rows = (tmp_path / "chat.jsonl").read_text()
    (tmp_path / "chat.jsonl").write_text(rows.replace("red", "pink"))
    assert life.go() == BAD_INPUT
    assert "reads other data than when this run was stopped" in runs.output
    assert "put the data back as it was, or begin a new run" in runs.output
    assert "Traceback" not in runs.output
    (tmp_path / "chat.jsonl").write_text(rows)
    assert life.go() == DONE
    assert not differences(outcome(life.path), whole(runs, "noop"))


def test_lost_metrics_are_named(runs: Runs, tmp_path: Path) -> None:
    life = stopped_elsewhere(runs, tmp_path)
    shutil.rmtree(life.path / "metrics")
    assert life.go() == BAD_INPUT
    assert "metrics were kept under" in runs.output
    assert "Traceback" not in runs.output


def test_a_checkpoint_of_another_kitchen_is_refused(runs: Runs, tmp_path: Path) -> None:
    life = stopped_elsewhere(runs, tmp_path)
    newest = max((life.path / "checkpoints").iterdir())
    state = (newest / "state.json").read_text().replace('"schema": 1', '"schema": 0')
    shutil.rmtree(newest)
    commit_folder(newest, lambda folder: commit_file(folder / "state.json", state.encode()))
    assert life.go() == BAD_INPUT
    assert "has schema 0, and 1 is read here" in runs.output


@pytest.mark.parametrize("changed", ["supervised-and-state.yaml", "run/recipe.yaml"])
def test_a_changed_plan_is_refused(runs: Runs, changed: str, tmp_path: Path) -> None:
    life = stopped_elsewhere(runs, tmp_path)
    text = (tmp_path / changed).read_text()
    other = text.replace("batch_size: 4", "batch_size: 5").replace("name: last", "name: other")
    (tmp_path / changed).write_text(other)
    assert life.go() == BAD_INPUT
    assert f"the plan of `{life.path}` has changed since the run began" in runs.output


#: Who sees a fault of going on, and what the run was killed at before it.
SEEN_BY = {
    "the random state is lost": ("torch", "after log_metrics 11"),
    "the optimizer starts afresh": ("torch", "after log_metrics 11"),
    "a step is done twice": ("torch", "after log_metrics 11"),
    "a step is left out": ("noop", "after log_metrics 11"),
    "metrics are not rewound": ("noop", "commit 4 5"),
    "the best evaluation is forgotten": ("torch", "after log_metrics 14"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_going_on_is_seen(runs: Runs, fault: str, tmp_path: Path) -> None:
    adapter, point = SEEN_BY[fault]
    life = Life(runs, runs.folder / f"{adapter}.yaml", tmp_path / "run")
    assert life.go(point) == KILLED
    life.go(fault=fault)
    assert differences(outcome(life.path), whole(runs, adapter))
