"""Sampling from a session's weights where they are: the `sampling` port over a KV cache."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
import torch

from kitchen.runtime.adapter import NoConfig
from kitchen.runtime.adapters.torch.forward import run
from kitchen.runtime.adapters.torch.session import TorchSession
from kitchen.runtime.futures import resolved
from kitchen.runtime.ports import AdapterError, Sample, SamplingParams, Workspace
from kitchen.runtime.values import Batch, Sampler, Session, Tokenizer

ROWS = 64  #: sequences sampled at a time
TOKENS = 8192  #: tokens scored at a time


class TorchSampler(Sampler):
    """The current weights of a session, whatever they come to be."""

    def __init__(self, session: TorchSession) -> None:
        self.session = session
        own = session.model.generation_config
        ends = own.eos_token_id if own is not None else None
        self.ends = {session.tokenizer.eos_id, *(ends if isinstance(ends, list) else [ends])}


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
            wanted = [
                Row(prompt, np.random.default_rng([params.seed, p, r]))
                for p, prompt in enumerate(prompts)
                for r in range(count)
            ]
            for at in range(0, len(wanted), ROWS):
                generate(own, wanted[at : at + ROWS], params)
            done = [row.sample() for row in wanted]
            return [done[at : at + count] for at in range(0, len(done), count)]

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


@dataclass(slots=True, eq=False)
class Row:
    """One sequence being sampled: its prompt, its random stream, what came out so far."""

    prompt: np.ndarray
    random: np.random.Generator
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    stopped: bool = False

    def sample(self) -> Sample:
        return Sample(
            tokens=np.array(self.tokens, np.int32),
            logprobs=np.array(self.logprobs, np.float32),
            stop_reason="stop" if self.stopped else "length",
        )


def generate(sampler: TorchSampler, rows: list[Row], params: SamplingParams) -> None:
    """Sample all rows side by side, each until its own end."""
    from transformers import DynamicCache

    session = sampler.session
    limit = min(params.max_tokens, _room(session, rows))
    with session.computing(training=False):
        ids, mask = _left_padded(session, rows)
        cache = DynamicCache(config=session.model.config)
        for _ in range(limit):
            logits = session.model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=(mask.cumsum(1) - 1).clamp_min(0)[:, -ids.shape[1] :],
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]
            chosen = _choose(logits.float(), rows, params)
            _take(sampler, rows, chosen, logits.float(), params)
            if all(row.stopped for row in rows):
                return
            ids = chosen[:, None]
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], 1)


def _room(session: TorchSession, rows: list[Row]) -> int:
    """How many tokens the model's context leaves beside the longest prompt."""
    longest = max(len(row.prompt) for row in rows)
    if min(len(row.prompt) for row in rows) == 0:
        raise AdapterError("a prompt has no token", help="give it some text to go on from")
    if longest >= session.context:
        raise AdapterError(
            f"a prompt has {longest} tokens, and the model sees {session.context}",
            help="shorten it",
        )
    return session.context - longest


def _left_padded(session: TorchSession, rows: list[Row]) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(len(row.prompt) for row in rows)
    ids = np.zeros((len(rows), longest), np.int64)
    mask = np.zeros((len(rows), longest), np.int64)
    for index, row in enumerate(rows):
        ids[index, longest - len(row.prompt) :] = row.prompt
        mask[index, longest - len(row.prompt) :] = 1
    device = session.device
    return torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device)


def _choose(logits: torch.Tensor, rows: list[Row], params: SamplingParams) -> torch.Tensor:
    """The next token of each row, by inverting the distribution function at a uniform number."""
    if params.temperature == 0:
        return logits.argmax(1)
    below = _kept_probabilities(logits, params).cumsum(1)
    draws = torch.tensor([row.random.random() for row in rows], dtype=torch.float64)
    at = draws.to(below.device)[:, None] * below[:, -1:]
    return torch.searchsorted(below, at, right=True)[:, 0].clamp_max(logits.shape[1] - 1)


def _kept_probabilities(logits: torch.Tensor, params: SamplingParams) -> torch.Tensor:
    """Probabilities (R, V) after temperature, then top-k, then top-p; float64, not normalised."""
    logits = logits.double() / params.temperature
    if 0 < params.top_k < logits.shape[1]:
        least = logits.topk(params.top_k, 1).values[:, -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    chances = logits.softmax(1)
    if params.top_p < 1:
        ordered, order = chances.sort(stable=True, dim=1, descending=True)
        before = ordered.cumsum(1) - ordered
        chances = chances.masked_fill(
            torch.zeros_like(before, dtype=torch.bool).scatter(1, order, before >= params.top_p), 0
        )
    return chances


def _take(
    sampler: TorchSampler,
    rows: list[Row],
    chosen: torch.Tensor,
    logits: torch.Tensor,
    params: SamplingParams,
) -> None:
    """Add the chosen tokens to the rows that have not ended."""
    logprobs = logits.log_softmax(1).gather(1, chosen[:, None])[:, 0].tolist()
    for row, token, logprob in zip(rows, chosen.tolist(), logprobs, strict=True):
        if row.stopped:
            continue
        row.tokens.append(token)
        row.logprobs.append(logprob)
        row.stopped = token in sampler.ends
        if params.stop and not row.stopped:
            text = sampler.session.tokenizer.decode(row.tokens)
            row.stopped = any(stop in text for stop in params.stop)


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
