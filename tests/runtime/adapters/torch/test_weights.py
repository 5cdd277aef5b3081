"""Saved weights as transformers and PEFT load them, in a world that knows nothing of kitchen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kitchen.runtime.adapters.torch import weights
from kitchen.runtime.adapters.torch.session import TorchSession
from kitchen.runtime.adapters.torch.tokenizer import FastTokenizer
from kitchen.runtime.adapters.torch.training import TorchTraining
from kitchen.runtime.ports import AdamParams, AdapterError, LossOptions
from tests.contracts.training_batches import random_batch, texts
from tests.runtime.adapters.torch.conftest import Open

IDS = torch.arange(4, 40)[None]


def trained(
    training: TorchTraining, tokenizer: FastTokenizer, session: TorchSession
) -> TorchSession:
    for seed in range(3):
        training.forward_backward(session, random_batch(tokenizer, seed=seed), LossOptions())
        training.optim_step(session, AdamParams(learning_rate=0.02)).result()
    return session


def logits(model: Any) -> np.ndarray:
    model.eval()
    with torch.no_grad():
        found: np.ndarray = model(input_ids=IDS).logits.numpy()
    return found


def load(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder)


@pytest.mark.parametrize("rank", [0, 4], ids=["full", "lora"])
def test_transformers_loads_what_was_trained(
    training: TorchTraining, tokenizer: FastTokenizer, opened: Open, tmp_path: Path, rank: int
) -> None:
    from transformers import AutoTokenizer

    session = trained(training, tokenizer, opened(lora_rank=rank, dropout=0.1))
    assert training.save_weights(session, tmp_path, merge=True) == "full"
    model = load(tmp_path)
    assert type(model).__name__ == "LlamaForCausalLM"
    np.testing.assert_allclose(logits(model), logits(session.model), atol=1e-5)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"config.json", "generation_config.json", "model.safetensors"} <= names
    assert not any("lora" in name for name, _ in model.named_parameters())

    loaded = AutoTokenizer.from_pretrained(tmp_path)
    said = [{"role": "user", "content": "how many carrots?"}]
    text = "the cook peels 7 carrots"
    assert (
        loaded(text, add_special_tokens=False)["input_ids"] == tokenizer.encode([text])[0].tolist()
    )
    assert loaded.apply_chat_template(
        said, tokenize=False, add_generation_prompt=True
    ) == tokenizer.render_chat(said, add_generation_prompt=True)
    assert (loaded.eos_token_id, loaded.pad_token_id) == (tokenizer.eos_id, tokenizer.pad_id)


def test_saved_weights_train_on_as_a_model_of_their_own(
    training: TorchTraining, tokenizer: FastTokenizer, opened: Open, saved: Path
) -> None:
    """A folder that was saved is a model like any other, with its tokenizer."""
    from kitchen.runtime.ports import ModelOptions

    again = training.load_tokenizer(str(saved), texts)
    assert again.digest == tokenizer.digest
    session = training.open_session(ModelOptions(model=str(saved)), again)
    batch = random_batch(again)
    first, second = (
        training.forward(one, batch, LossOptions()).result().loss
        for one in (session, opened(seed=11))
    )
    assert first == second


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # PEFT's own
def test_an_adapter_beside_its_base_is_the_merged_model(
    training: TorchTraining, tokenizer: FastTokenizer, opened: Open, saved: Path, tmp_path: Path
) -> None:
    from peft import PeftModel

    session = trained(training, tokenizer, opened(str(saved), lora_rank=4))
    assert training.save_weights(session, tmp_path / "adapter", merge=False) == "adapter"
    training.save_weights(session, tmp_path / "merged", merge=True)
    beside = PeftModel.from_pretrained(load(saved), tmp_path / "adapter")
    np.testing.assert_allclose(logits(beside), logits(load(tmp_path / "merged")), atol=1e-5)
    np.testing.assert_allclose(logits(beside), logits(session.model), atol=1e-5)
    assert np.abs(logits(load(saved)) - logits(beside)).max() > 0.1
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["target_modules"] == sorted(config["target_modules"])
    assert config["base_model_name_or_path"] == str(saved)


def test_tied_embeddings_stay_tied(
    training: TorchTraining, tokenizer: FastTokenizer, opened: Open, tmp_path: Path
) -> None:
    training.save_weights(trained(training, tokenizer, opened()), tmp_path, merge=True)
    model = load(tmp_path)
    assert model.config.tie_word_embeddings
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()


def test_merging_leaves_the_session_as_it_was(
    training: TorchTraining, tokenizer: FastTokenizer, opened: Open, tmp_path: Path
) -> None:
    session = trained(training, tokenizer, opened(lora_rank=4))
    before = logits(session.model)
    training.save_weights(session, tmp_path, merge=True)
    assert np.array_equal(logits(session.model), before)


def test_what_answers_otherwise_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
    training: TorchTraining,
    tokenizer: FastTokenizer,
    opened: Open,
    tmp_path: Path,
) -> None:
    session = trained(training, tokenizer, opened(lora_rank=4))

    def unmerged(peft: Any) -> Any:
        """The base alone: a merge that forgot the adapter."""
        return peft.unload()

    monkeypatch.setattr(weights, "_merged", lambda peft: unmerged(weights.copy.deepcopy(peft)))
    with pytest.raises(AdapterError, match="answer otherwise") as raised:
        training.save_weights(session, tmp_path, merge=True)
    assert raised.value.help


@pytest.mark.parametrize("targets", [("q_proj",), ("down_proj", "up_proj")], ids=str)
def test_lora_trains_the_layers_it_is_given(
    training: TorchTraining, tokenizer: FastTokenizer, opened: Open, targets: tuple[str, ...]
) -> None:
    session = opened(lora_rank=2, lora_targets=targets)
    frozen = {
        name: parameter.clone()
        for name, parameter in session.model.named_parameters()
        if name not in session.parameters
    }
    assert {name.split(".")[-4] for name in session.parameters} == set(targets)
    trained(training, tokenizer, session)
    for name, parameter in session.model.named_parameters():
        if name in frozen:
            assert torch.equal(parameter, frozen[name]), name


def test_an_unknown_layer_is_told_with_the_known_ones(opened: Open) -> None:
    with pytest.raises(AdapterError, match="`qproj`") as raised:
        opened(lora_rank=2, lora_targets=("qproj",))
    assert "q_proj" in raised.value.help


def test_lora_begins_as_the_base(
    training: TorchTraining, tokenizer: FastTokenizer, opened: Open
) -> None:
    batch = random_batch(tokenizer)
    base, adapted = (
        training.forward(opened(lora_rank=rank), batch, LossOptions()).result() for rank in (0, 4)
    )
    np.testing.assert_allclose(base.logprobs, adapted.logprobs, atol=1e-6)
