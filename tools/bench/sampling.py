"""New tokens a second of `sampling: torch`, beside `generate` of transformers: one model, one set.

Both sample at temperature 1 from prompts of several lengths, padded on the left, over a KV cache;
only tokens up to the end of a sequence count. Both have one thread. Ours gives log-probabilities
as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from kitchen.runtime import plugins
from kitchen.runtime.ports import ModelOptions, SamplingParams, Workspace
from tools.bench.figure import Figure, pairs
from tools.bench.peers import scratch
from tools.bench.threads import one_thread

PROMPTS, COUNT, NEW, LONGEST = 8, 4, 64, 48


def measure() -> Iterator[Figure]:
    with scratch() as folder, one_thread():
        yield sampling_figure(folder)


def sampling_figure(folder: Path, *, model: str = "tiny", new: int = NEW, count: int = 9) -> Figure:
    """Tokens a second of either side over the same prompts."""
    workspace = Workspace(base=folder, cache=folder / "cache")
    training = plugins.adapters()["training"]["torch"].bind({"device": "cpu"}, workspace)
    sampling = plugins.adapters()["sampling"]["torch"].bind({}, workspace)
    tokenizer = training.load_tokenizer(model, lambda: ["the quick brown fox jumps"] * 9)
    session = training.open_session(ModelOptions(model=model), tokenizer)
    training.save_weights(session, folder / "weights", merge=True)
    sampler = sampling.open_sampler(session, tokenizer)
    generator = np.random.default_rng(0)
    lengths = generator.integers(LONGEST // 2, LONGEST, PROMPTS)
    prompts = [generator.integers(4, 250, length).astype(np.int32) for length in lengths]
    peer = generate(folder / "weights", prompts, new)

    def ours() -> float:
        start = perf_counter()
        params = SamplingParams(max_tokens=new)
        rows = sampling.sample(sampler, prompts, params, count=COUNT).result()
        tokens = sum(len(sample.tokens) for row in rows for sample in row)
        return tokens / (perf_counter() - start)

    def theirs() -> float:
        return next(peer)

    pairs(ours, theirs, count=1)  # the first pass allocates
    kitchen, transformers, ratio = pairs(ours, theirs, count=count)
    return Figure(
        name=f"sampling, {PROMPTS} prompts x {COUNT} x {new}",
        peer="transformers.generate",
        ours=kitchen,
        theirs=transformers,
        ratio=ratio,
        unit="tokens/s",
        bound=1.3,
        at_least=True,
    )


def generate(weights: Path, prompts: list[np.ndarray], new: int) -> Iterator[float]:
    """Tokens a second of one call of `generate` after the other."""
    import torch
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(weights, attn_implementation="sdpa").eval()
    end, pad = model.config.eos_token_id, model.config.pad_token_id
    longest = max(map(len, prompts))
    ids = torch.full((len(prompts), longest), pad)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt) :] = torch.from_numpy(prompt.astype(np.int64))
        mask[row, longest - len(prompt) :] = 1
    while True:
        start = perf_counter()
        made = model.generate(
            input_ids=ids,
            attention_mask=mask,
            do_sample=True,
            temperature=1.0,
            top_k=0,
            max_new_tokens=new,
            num_return_sequences=COUNT,
            pad_token_id=pad,
        )
        seconds = perf_counter() - start
        said = made[:, longest:]
        before_end = (said == end).cumsum(1) - (said == end).long()
        yield float((before_end == 0).sum()) / seconds
