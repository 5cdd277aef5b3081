"""Sampling from a session's weights where they are: the `sampling` port over a KV cache."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

import numpy as np

from kitchen.runtime.adapter import NoConfig
from kitchen.runtime.adapters.torch.decoding import TorchSampler, sample
from kitchen.runtime.adapters.torch.forward import run
from kitchen.runtime.adapters.torch.session import TorchSession
from kitchen.runtime.futures import resolved
from kitchen.runtime.ports import AdapterError, Sample, SamplingParams, Workspace
from kitchen.runtime.values import Batch, Sampler, Session, Tokenizer

ROWS = 256  #: sequences sampled at a time
TOKENS = 8192  #: tokens scored at a time


class TorchSampling:
    """Samples on the training weights themselves; nothing is copied."""

    def __init__(self, config: NoConfig, workspace: Workspace) -> None:
        del config, workspace  # the session says where its weights are

    def open_sampler(self, session: Session, tokenizer: Tokenizer) -> Sampler:
        if not isinstance(session, TorchSession):
            raise AdapterError(
                f"the `torch` adapter cannot sample from a `{type(session).__name__}`",
                help="bind `sampling` to the adapter that `training` is bound to",
            )
        return TorchSampler(session)

    def sample(
        self, sampler: Sampler, prompts: Sequence[np.ndarray], params: SamplingParams, *, count: int
    ) -> Future[list[list[Sample]]]:
        """Row r of prompt p draws from a stream of its own, seeded by (seed, p, r)."""

        def work() -> list[list[Sample]]:
            own = _own(sampler)
            done: list[list[Sample]] = []
            size = max(1, ROWS // count)
            for first in range(0, len(prompts), size):
                done += sample(own, prompts[first : first + size], params, first, count)
            return done

        return resolved(work)

    def compute_logprobs(
        self, sampler: Sampler, sequences: Sequence[np.ndarray]
    ) -> Future[list[np.ndarray]]:
        return resolved(lambda: _score(_own(sampler).session, sequences))


def _own(sampler: Sampler) -> TorchSampler:
    assert isinstance(sampler, TorchSampler), "a sampler is used with the adapter that opened it"
    if sampler.session.closed:
        raise AdapterError("the sampler's session is closed", help="sample before `close_session`")
    return sampler


def _score(session: TorchSession, sequences: Sequence[np.ndarray]) -> list[np.ndarray]:
    scores = [np.full(len(sequence), np.nan, np.float32) for sequence in sequences]
    waiting = [index for index, sequence in enumerate(sequences) if len(sequence) > 1]
    while waiting:
        ends = np.cumsum([len(sequences[index]) for index in waiting])
        count = max(1, int(np.searchsorted(ends, TOKENS, side="right")))
        chosen, waiting = waiting[:count], waiting[count:]
        batch = _scored_batch([sequences[index] for index in chosen])
        with session.computing(training=False):
            logprobs = run(session, batch).spread(batch.tokens.size).cpu().numpy()
        for place, index in enumerate(chosen):
            scores[index][1:] = logprobs[batch.offsets[place] : batch.offsets[place + 1]]
    return scores


def _scored_batch(sequences: list[np.ndarray]) -> Batch:
    lengths = [len(sequence) - 1 for sequence in sequences]
    return Batch(
        index=0,
        tokens=np.concatenate([sequence[:-1] for sequence in sequences]),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        columns={"targets": np.concatenate([sequence[1:] for sequence in sequences])},
        sequences=len(sequences),
        trained=sum(lengths),
    )
