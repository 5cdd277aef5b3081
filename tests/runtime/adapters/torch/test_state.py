"""Saved states: with dropout on, across processes, and from other models."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from kitchen.runtime.adapters.torch.session import TorchSession
from kitchen.runtime.adapters.torch.tokenizer import FastTokenizer
from kitchen.runtime.adapters.torch.training import TorchTraining
from kitchen.runtime.ports import AdamParams, AdapterError, LossOptions, ModelOptions, Workspace
from tests.contracts.training_batches import random_batch, texts
from tests.runtime.adapters.torch.conftest import Open

ADAM = AdamParams(learning_rate=0.01, weight_decay=0.1)


def train(
    training: TorchTraining, session: TorchSession, tokenizer: FastTokenizer, seeds: range
) -> None:
    for seed in seeds:
        training.forward_backward(session, random_batch(tokenizer, seed=seed), LossOptions())
        training.optim_step(session, ADAM).result()


def state_bytes(training: TorchTraining, session: TorchSession, folder: Path) -> bytes:
    training.save_state(session, folder)
    return (folder / "state.safetensors").read_bytes() + (folder / "state.json").read_bytes()


@pytest.mark.parametrize("rank", [0, 4], ids=["full", "lora"])
def test_dropout_goes_on_where_it_stopped(
    training: TorchTraining, tokenizer: FastTokenizer, opened: Open, tmp_path: Path, rank: int
) -> None:
    options = {"lora_rank": rank, "dropout": 0.2, "lora_dropout": 0.2 if rank else 0.0}
    session = opened(**options)
    train(training, session, tokenizer, range(3))
    training.forward_backward(session, random_batch(tokenizer, seed=7), LossOptions()).result()
    training.save_state(session, tmp_path / "state")
    train(training, session, tokenizer, range(3, 6))
    torch.manual_seed(99)  # what others do with PyTorch's generator has no part in it
    resumed = opened(**options)
    training.load_state_with_optimizer(resumed, tmp_path / "state")
    train(training, resumed, tokenizer, range(3, 6))
    whole = state_bytes(training, session, tmp_path / "whole")
    assert state_bytes(training, resumed, tmp_path / "resumed") == whole

    warm = opened(**options)
    training.load_state(warm, tmp_path / "state")
    train(training, warm, tokenizer, range(3, 6))
    assert state_bytes(training, warm, tmp_path / "warm") != whole


def test_a_restored_session_works_with_as_many_threads(
    training: TorchTraining, opened: Open, tmp_path: Path
) -> None:
    """The last bits of a gradient depend on them."""
    threads = torch.get_num_threads()
    session = opened()
    training.save_state(session, tmp_path)
    try:
        torch.set_num_threads(threads + 1)
        training.load_state(session, tmp_path)
        assert torch.get_num_threads() == threads + 1
        training.load_state_with_optimizer(session, tmp_path)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(threads)


def test_dropout_drops(training: TorchTraining, tokenizer: FastTokenizer, opened: Open) -> None:
    batch = random_batch(tokenizer)
    losses = [
        training.forward_backward(session, batch, LossOptions()).result().loss
        for session in (opened(), opened(dropout=0.2), opened(dropout=0.2))
    ]
    assert losses[0] != losses[1] == losses[2]
    session = opened(dropout=0.2)
    first, second = (training.forward(session, batch, LossOptions()).result() for _ in range(2))
    assert first.loss == second.loss == losses[0]


def test_training_leaves_the_global_generator_alone(
    training: TorchTraining, tokenizer: FastTokenizer, opened: Open
) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    train(training, opened(dropout=0.2), tokenizer, range(2))
    assert torch.equal(torch.get_rng_state(), before)


SCRIPT = """
import sys
from pathlib import Path
from tests.runtime.adapters.torch.test_state import continue_run
continue_run(Path(sys.argv[1]))
"""


def continue_run(folder: Path) -> None:
    """Take up the state in a folder, train on, and write the state it ends with."""
    from kitchen.runtime.adapters.torch import TRAINING

    training = TRAINING.bind({}, Workspace(folder, folder / "cache"))
    tokenizer = training.load_tokenizer("nano", texts)
    session = training.open_session(ModelOptions(model="nano", dropout=0.2), tokenizer)
    training.load_state_with_optimizer(session, folder / "state")
    train(training, session, tokenizer, range(3, 6))
    training.save_state(session, folder / "end")


@pytest.mark.slow
def test_another_process_goes_on_to_the_same_bytes(
    training: TorchTraining, tokenizer: FastTokenizer, opened: Open, tmp_path: Path
) -> None:
    session = opened(dropout=0.2)
    train(training, session, tokenizer, range(3))
    training.save_state(session, tmp_path / "state")
    train(training, session, tokenizer, range(3, 6))
    whole = state_bytes(training, session, tmp_path / "whole")
    subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], check=True)
    ended = tmp_path / "end"
    assert (ended / "state.safetensors").read_bytes() + (ended / "state.json").read_bytes() == whole


def test_lora_states_hold_the_adapter_alone(
    training: TorchTraining, tokenizer: FastTokenizer, opened: Open, tmp_path: Path
) -> None:
    from safetensors import safe_open

    session = opened(lora_rank=2)
    train(training, session, tokenizer, range(1))
    training.save_state(session, tmp_path)
    with safe_open(tmp_path / "state.safetensors", "pt") as file:
        names = {name for name in file.keys() if name.startswith("weight.")}  # noqa: SIM118
    assert names
    assert all("lora_" in name for name in names)


def test_the_state_of_another_model_is_refused(
    training: TorchTraining, opened: Open, tmp_path: Path
) -> None:
    training.save_state(opened(), tmp_path)
    with pytest.raises(AdapterError, match="another model") as raised:
        training.load_state(opened(lora_rank=2), tmp_path)
    assert "LoRA" in raised.value.help


@pytest.mark.parametrize("damage", ["cut", "json", "schema"])
def test_a_damaged_state_is_refused(
    training: TorchTraining, opened: Open, tmp_path: Path, damage: str
) -> None:
    session = opened()
    training.save_state(session, tmp_path)
    tensors, facts = tmp_path / "state.safetensors", tmp_path / "state.json"
    match damage:
        case "cut":
            tensors.write_bytes(tensors.read_bytes()[:1000])
        case "json":
            facts.write_text("{")
        case "schema":
            facts.write_text(json.dumps({**json.loads(facts.read_text()), "schema": 99}))
    before = [p.clone() for p in session.parameters.values()]
    with pytest.raises(AdapterError) as raised:
        training.load_state_with_optimizer(session, tmp_path)
    assert raised.value.help
    after = list(session.parameters.values())
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
