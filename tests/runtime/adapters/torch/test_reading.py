"""Reading a token of each row at a time gives what the model gives for the whole sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from kitchen.runtime.adapters.torch import llama_reading
from kitchen.runtime.adapters.torch.llama import is_llama
from kitchen.runtime.adapters.torch.llama_reading import LlamaReader
from kitchen.runtime.adapters.torch.reading import ModelReader, Reader
from tests.runtime.adapters.torch.conftest import Open

SHAPE: dict[str, Any] = {
    "vocab_size": 50,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
}
COUNT, NEW = 3, 6


def llama(**changes: Any) -> Any:
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**{**SHAPE, **changes})).eval()


LLAMAS: dict[str, Callable[[], Any]] = {
    "groups": llama,
    "each-its-own": lambda: llama(num_key_value_heads=4),
    "biases": lambda: llama(attention_bias=True, mlp_bias=True),
    "wide-heads": lambda: llama(head_dim=16),
    "tied": lambda: llama(tie_word_embeddings=True),
    "scaled-positions": lambda: llama(
        rope_parameters={
            "rope_type": "llama3",
            "rope_theta": 1e4,
            "factor": 4.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 16,
        }
    ),
}


def read(reader: Reader, lengths: list[int], model: Any) -> None:
    """Compare each step with a pass over the whole sequence; rows are taken out on the way."""
    drawn = torch.Generator().manual_seed(1)
    longest, prompts = max(lengths), len(lengths)
    ids = torch.randint(4, 50, (prompts, longest), generator=drawn)
    mask = torch.stack([(torch.arange(longest) >= longest - length).long() for length in lengths])
    rows = [ids[p, longest - lengths[p] :] for p in range(prompts) for _ in range(COUNT)]
    with torch.no_grad():
        logits = reader.begin(ids, mask, COUNT)
        for step in range(NEW):
            expected = torch.stack([model(input_ids=row[None]).logits[0, -1] for row in rows])
            torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)
            if step == 3:
                kept = torch.tensor([0, 2, len(rows) - 1])
                rows, logits = [rows[index] for index in kept.tolist()], logits[kept]
                reader.keep(kept)
            tokens = torch.randint(4, 50, (len(rows),), generator=drawn)
            rows = [torch.cat([row, token[None]]) for row, token in zip(rows, tokens, strict=True)]
            logits = reader.advance(tokens)


@pytest.mark.parametrize("lengths", [[5, 9, 2], [4, 4]], ids=["padded", "even"])
@pytest.mark.parametrize("make", LLAMAS.values(), ids=LLAMAS)
def test_a_llama_is_read_as_it_reads(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], Any], lengths: list[int]
) -> None:
    monkeypatch.setattr(llama_reading, "AHEAD", 2)  # room is made on the way
    model = make()
    assert is_llama(model)
    read(LlamaReader(model, NEW), lengths, model)


@pytest.mark.parametrize("lengths", [[5, 9, 2], [4, 4]], ids=["padded", "even"])
def test_any_model_is_read_through_its_own_pass(lengths: list[int]) -> None:
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(Qwen2Config(**SHAPE)).eval()
    assert not is_llama(model)
    read(ModelReader(model), lengths, model)


def test_an_adapter_is_read_with_its_model(opened: Open) -> None:
    session = opened(lora_rank=4)
    with torch.no_grad():
        for name, parameter in session.parameters.items():
            if "lora_B" in name:
                parameter.normal_(std=0.5)
    model = session.model.eval()
    assert is_llama(model)
    read(LlamaReader(model, NEW), [5, 3], model)


def test_angles_that_follow_the_length_are_left_to_the_model() -> None:
    moving = {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}
    assert not is_llama(llama(rope_parameters=moving))
    assert not is_llama(llama().to(torch.bfloat16))
