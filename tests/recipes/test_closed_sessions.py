"""A session that is closed on the way: what a checkpoint keeps of it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.recipes.running import run_file, write_chats

CLOSED_EARLY = """kitchen: 1
workflow: closed_early
params:
  dataset: {type: str}
steps:
  - stage: load_dataset
    with: {source: "${dataset}"}
  - stage: load_tokenizer
    with: {model: nano}
  - stage: open_session
    with: {model: nano}
  - stage: save_weights
  - stage: tokenize
  - stage: close_session
  - loop: turn
    over: range(3)
    checkpoint: 1
    steps:
      - stage: open_session
        as: other
        with: {model: nano, seed: "${turn}"}
      - stage: evaluate
        in: {session: other}
      - stage: log_evaluation
        with: {step: "${turn}"}
      - stage: close_session
        in: {session: other}
finally:
  - stage: close_session
"""


def test_a_checkpoint_holds_nothing_of_a_session_that_is_closed(tmp_path: Path) -> None:
    write_chats(tmp_path / "chats.jsonl")
    (tmp_path / "closed_early.yaml").write_text(CLOSED_EARLY)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "kitchen: 1\nrecipe: test\nworkflow: ./closed_early.yaml\n"
        "params: {dataset: ./chats.jsonl}\n"
        "adapters: {training: torch, datasets: files, metrics: parquet}\n"
    )
    ran = run_file(recipe, tmp_path / "run")
    assert ran.status == "done"
    last = max((tmp_path / "run/checkpoints").glob("*/state.json"))
    kept = json.loads(last.read_text())
    assert not [name for name in kept["again"] if "open_session" in name]
