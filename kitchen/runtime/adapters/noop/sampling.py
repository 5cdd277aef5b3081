"""The `sampling` port over a unigram model of bytes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

import numpy as np

from kitchen.runtime.adapter import NoConfig
from kitchen.runtime.adapters.noop.training import Call
from kitchen.runtime.adapters.noop.unigram import EOS, UnigramSession
from kitchen.runtime.futures import resolved
from kitchen.runtime.ports import AdapterError, Sample, SamplingParams, Workspace
from kitchen.runtime.values import Sampler, Session, Tokenizer


class UnigramSampler(Sampler):
    """The current weights of a session, whatever they come to be."""

    def __init__(self, session: UnigramSession, tokenizer: Tokenizer) -> None:
        self.session, self.tokenizer = session, tokenizer


class NoopSampling:
    """Samples bytes, each by itself; `calls` records what was asked, in order."""

    def __init__(self, config: NoConfig, workspace: Workspace) -> None:
        self.calls: list[Call] = []

    def open_sampler(self, session: Session, tokenizer: Tokenizer) -> Sampler:
        if not isinstance(session, UnigramSession):
            raise AdapterError(
                f"the `noop` adapter cannot sample from a `{type(session).__name__}`",
                help="bind `sampling` to the adapter that `training` is bound to",
            )
        return UnigramSampler(session, tokenizer)

    def sample(
        self, sampler: Sampler, prompts: Sequence[np.ndarray], params: SamplingParams, *, count: int
    ) -> Future[list[list[Sample]]]:
        self.calls.append(Call("sample", {"prompts": len(prompts), "count": count}))
        assert isinstance(sampler, UnigramSampler)
        own = sampler

        def draw(p: int, r: int) -> Sample:
            return _sample(own, params, np.random.default_rng([params.seed, p, r]))

        return resolved(lambda: [[draw(p, r) for r in range(count)] for p in range(len(prompts))])

    def compute_logprobs(
        self, sampler: Sampler, sequences: Sequence[np.ndarray]
    ) -> Future[list[np.ndarray]]:
        self.calls.append(Call("compute_logprobs", {"sequences": len(sequences)}))
        assert isinstance(sampler, UnigramSampler)
        known = sampler.session.logprobs()
        rows = [known[sequence].astype(np.float32) for sequence in sequences]
        for row in rows:
            row[:1] = np.nan
        return resolved(lambda: rows)


def _sample(
    sampler: UnigramSampler, params: SamplingParams, generator: np.random.Generator
) -> Sample:
    known = sampler.session.logprobs()
    chances = _chances(known, params)
    tokens: list[int] = []
    reason = "length"
    while len(tokens) < params.max_tokens:
        tokens.append(int(generator.choice(len(known), p=chances)))
        text = sampler.tokenizer.decode(tokens) if params.stop else ""
        if tokens[-1] == EOS or any(stop in text for stop in params.stop):
            reason = "stop"
            break
    chosen = np.array(tokens, np.int32)
    drawn = np.log(chances[chosen]).astype(np.float32)
    return Sample(chosen, known[chosen].astype(np.float32), drawn, reason)


def _chances(logprobs: np.ndarray, params: SamplingParams) -> np.ndarray:
    """Probabilities after temperature, then top-k, then top-p, as the port says."""
    if params.temperature == 0:
        chances = np.zeros(len(logprobs))
        chances[logprobs.argmax()] = 1
        return chances
    tempered = logprobs / params.temperature
    chances = np.exp(tempered - tempered.max())
    order = np.argsort(-chances, kind="stable")
    if params.top_k:
        chances[order[params.top_k :]] = 0
    chances /= chances.sum()
    before = np.cumsum(chances[order]) - chances[order]
    chances[order[before >= params.top_p]] = 0
    kept: np.ndarray = chances / chances.sum()
    return kept
