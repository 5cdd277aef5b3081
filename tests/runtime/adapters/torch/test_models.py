"""Where models come from, and what is said where one cannot be had."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from kitchen.runtime.adapters.torch import TRAINING
from kitchen.runtime.adapters.torch.presets import PRESETS
from kitchen.runtime.adapters.torch.tokenizer import FastTokenizer
from kitchen.runtime.adapters.torch.training import TorchTraining
from kitchen.runtime.ports import AdapterError, LossOptions, ModelOptions, Workspace
from tests.contracts.training_batches import random_batch, texts
from tests.runtime.adapters.torch.conftest import Open


def refusal(training: TorchTraining, model: str, tokenizer: FastTokenizer) -> AdapterError:
    with pytest.raises(AdapterError) as raised:
        training.open_session(ModelOptions(model=model), tokenizer)
    assert raised.value.help
    return raised.value


def test_presets_have_the_size_they_say(opened: Open) -> None:
    sizes = {
        name: sum(parameter.numel() for parameter in opened(name).parameters.values())
        for name in PRESETS
    }
    assert 50_000 < sizes["nano"] < 200_000
    assert 1_000_000 < sizes["tiny"] < 3_000_000


def test_a_preset_is_the_same_whatever_ran_before(
    training: TorchTraining, tokenizer: FastTokenizer, opened: Open
) -> None:
    batch = random_batch(tokenizer)
    first = training.forward(opened(), batch, LossOptions()).result().loss
    torch.manual_seed(123)
    torch.rand(17)
    assert training.forward(opened(), batch, LossOptions()).result().loss == first


def test_a_folder_is_found_beside_the_recipe(
    tokenizer: FastTokenizer, saved: Path, tmp_path: Path
) -> None:
    training = TRAINING.bind({}, Workspace(saved.parent, tmp_path / "cache"))
    assert training.load_tokenizer("saved", texts).digest == tokenizer.digest
    training.open_session(ModelOptions(model="./saved"), tokenizer)


def test_what_the_run_saved_is_found_in_its_folder(
    tokenizer: FastTokenizer, saved: Path, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path, tmp_path / "cache", run=saved.parent)
    training = TRAINING.bind({}, workspace)
    assert training.load_tokenizer("run:saved", texts).digest == tokenizer.digest
    training.open_session(ModelOptions(model="run:saved"), tokenizer)
    fault = refusal(training, "run:other", tokenizer)
    assert str(fault) == "the run has not made a folder `run:other`"


def test_a_missing_folder_is_named(training: TorchTraining, tokenizer: FastTokenizer) -> None:
    fault = refusal(training, "./nowhere", tokenizer)
    assert str(fault) == "there is no folder `./nowhere`"


def test_a_hub_id_that_cannot_be_reached_is_named(
    training: TorchTraining, tokenizer: FastTokenizer
) -> None:
    fault = refusal(training, "nobody/nothing", tokenizer)
    assert "`nobody/nothing`" in str(fault)
    assert "nano, tiny" in fault.help
    with pytest.raises(AdapterError, match="nobody/nothing"):
        training.load_tokenizer("nobody/nothing", texts)


def test_weights_that_are_pickled_are_not_loaded(
    training: TorchTraining, tokenizer: FastTokenizer, saved: Path
) -> None:
    from safetensors.torch import load_file

    torch.save(load_file(saved / "model.safetensors"), saved / "pytorch_model.bin")
    (saved / "model.safetensors").unlink()
    fault = refusal(training, str(saved), tokenizer)
    assert "safetensors" in str(fault)


def test_code_in_a_folder_is_not_run(
    training: TorchTraining, tokenizer: FastTokenizer, saved: Path, tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    (saved / "modeling.py").write_text(f"open({str(marker)!r}, 'w')\n")
    config = json.loads((saved / "config.json").read_text())
    config["model_type"] = "homemade"
    config["auto_map"] = {"AutoConfig": "modeling.C", "AutoModelForCausalLM": "modeling.M"}
    (saved / "config.json").write_text(json.dumps(config))
    refusal(training, str(saved), tokenizer)
    assert not marker.exists()


def test_missing_weights_are_not_made_up(
    training: TorchTraining, tokenizer: FastTokenizer, saved: Path
) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(saved / "model.safetensors")
    del tensors["model.norm.weight"]
    save_file(tensors, saved / "model.safetensors", metadata={"format": "pt"})
    assert "model.norm.weight" in str(refusal(training, str(saved), tokenizer))


def test_a_tokenizer_larger_than_the_model_is_refused(training: TorchTraining, saved: Path) -> None:
    more = [f"{text} {word}" for text in texts() for word in ("onions", "leeks", "fennel", "rye")]
    larger = training.load_tokenizer("tiny", lambda: more)
    assert isinstance(larger, FastTokenizer)
    fault = refusal(training, str(saved), larger)
    assert f"{larger.vocab_size} tokens" in str(fault)


def test_dropout_of_a_model_without_any_is_refused(
    training: TorchTraining, tokenizer: FastTokenizer, tmp_path: Path
) -> None:
    from transformers import MambaConfig, MambaForCausalLM

    model = MambaForCausalLM(
        MambaConfig(
            vocab_size=tokenizer.vocab_size, hidden_size=16, num_hidden_layers=1, state_size=4
        )
    )
    model.save_pretrained(tmp_path)
    with pytest.raises(AdapterError, match="no dropout"):
        training.open_session(ModelOptions(model=str(tmp_path), dropout=0.1), tokenizer)


def test_a_gpu_that_is_not_there_is_refused(workspace: Workspace) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(AdapterError, match="no GPU") as raised:
        TRAINING.bind({"device": "cuda"}, workspace)
    assert raised.value.help


def test_gpt2_trains_too(training: TorchTraining, tokenizer: FastTokenizer, tmp_path: Path) -> None:
    """Another family: learned positions, other names, its dropout in modules."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=tokenizer.vocab_size,
        n_embd=32,
        n_layer=2,
        n_head=2,
        n_positions=64,
        bos_token_id=1,
        eos_token_id=3,
    )
    GPT2LMHeadModel(config).save_pretrained(tmp_path)
    options = ModelOptions(model=str(tmp_path), lora_rank=2, dropout=0.1)
    session = training.open_session(options, tokenizer)
    batch = random_batch(tokenizer)
    parts = training.forward(session, batch, LossOptions()).result().logprobs
    session.isolates = False  # type: ignore[attr-defined]
    apart = training.forward(session, batch, LossOptions()).result().logprobs
    np.testing.assert_allclose(parts, apart, atol=1e-5)
    first, second = (
        training.forward_backward(session, batch, LossOptions()).result().loss for _ in range(2)
    )
    assert first != second
