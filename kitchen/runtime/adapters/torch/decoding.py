"""Sampling side by side over one KV cache: prompts left-padded, each row until its own end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from kitchen.runtime.adapters.torch.cache import roomy_cache
from kitchen.runtime.adapters.torch.session import TorchSession
from kitchen.runtime.ports import AdapterError, Sample, SamplingParams
from kitchen.runtime.values import Sampler

SPARSE = 0.5  #: share of rows still going on from which the others are taken out


class TorchSampler(Sampler):
    """The current weights of a session, whatever they come to be."""

    def __init__(self, session: TorchSession) -> None:
        self.session = session
        own = session.model.generation_config
        ends = own.eos_token_id if own is not None else None
        listed = ends if isinstance(ends, list) else [ends]
        self.ends = sorted({session.tokenizer.eos_id, *(end for end in listed if end is not None)})


def sample(
    sampler: TorchSampler,
    prompts: Sequence[np.ndarray],
    params: SamplingParams,
    first: int,
    count: int,
) -> list[list[Sample]]:
    """`count` samples of each prompt; row r of prompt p draws from the stream (seed, first + p, r).

    A prompt is read once, whatever the number of its samples.
    """
    session = sampler.session
    limit = min(params.max_tokens, _room(session, prompts))
    streams = (
        np.random.default_rng([params.seed, first + p, r])
        for p in range(len(prompts))
        for r in range(count)
    )
    draws = torch.from_numpy(np.stack([stream.random(limit) for stream in streams]))
    with session.computing(training=False):
        rows = Rows(sampler, params, draws.to(session.device))
        logits = rows.begin(*_left_padded(session, prompts), count)
        while not rows.take(logits):
            logits = rows.advance()
    done = rows.samples()
    return [done[at : at + count] for at in range(0, len(done), count)]


class Rows:
    """Sequences that are sampled side by side; those that ended are taken out in time.

    `draws` (R, L) holds the uniform number for each token of each row; so L tokens are the most.
    """

    def __init__(self, sampler: TorchSampler, params: SamplingParams, draws: torch.Tensor) -> None:
        self.sampler, self.params, self.draws = sampler, params, draws
        self.model: Any = sampler.session.model
        device, self.most = draws.device, draws.shape[1]
        self.ends = torch.tensor(sampler.ends, device=device)
        self.tokens = torch.zeros(draws.shape, dtype=torch.long, device=device)
        self.scores = torch.zeros(2, *draws.shape, device=device)  # the model's own, and as drawn
        self.lengths = np.zeros(len(draws), np.int64)
        self.stopped = np.zeros(len(draws), bool)
        self.live = torch.arange(len(draws), device=device)  #: the rows that are in the cache
        self.step = 0

    def begin(self, ids: torch.Tensor, mask: torch.Tensor, count: int) -> torch.Tensor:
        """Read the prompts; gives the logits (R, V) of the first token of each row."""
        self.cache: Any = roomy_cache(self.model.config)
        self.mask = None if bool(mask.all()) else mask
        self.positions = mask.sum(1, keepdim=True)
        first = (mask.cumsum(1) - 1).clamp_min(0)
        logits = self._logits(ids, first, self.mask)
        if count > 1:
            self.cache.batch_repeat_interleave(count)
            self.positions = self.positions.repeat_interleave(count, 0)
            if self.mask is not None:
                self.mask = self.mask.repeat_interleave(count, 0)
        return logits.repeat_interleave(count, 0)

    def advance(self) -> torch.Tensor:
        """Let the model read the tokens that were taken last; gives the logits after them."""
        if self.mask is not None:
            self.mask = torch.cat([self.mask, self.mask.new_ones(len(self.mask), 1)], 1)
        # One query sees all that is no padding. In four dimensions the mask is taken as it is.
        seen = None if self.mask is None else self.mask[:, None, None].bool()
        logits = self._logits(self.tokens[self.live, self.step - 1, None], self.positions, seen)
        self.positions = self.positions + 1
        return logits

    def _logits(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        logits: torch.Tensor = self.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        return logits.float()

    def take(self, logits: torch.Tensor) -> bool:
        """Draw the next token of each live row; whether that was the last of all."""
        known = logits.log_softmax(1)
        chances = None if self.params.temperature == 0 else _chances(known, self.params)
        chosen = logits.argmax(1) if chances is None else _drawn(chances, self._draws())
        self.tokens[self.live, self.step] = chosen
        own = known.gather(1, chosen[:, None])[:, 0]
        self.scores[0, self.live, self.step] = own
        if chances is not None:
            drawn = own if chances is known else chances.gather(1, chosen[:, None])[:, 0]
            self.scores[1, self.live, self.step] = drawn
        self.step += 1
        return self._settle(torch.isin(chosen, self.ends).cpu().numpy())

    def _draws(self) -> torch.Tensor:
        return self.draws[self.live, self.step, None]

    def _settle(self, ended: np.ndarray) -> bool:
        """Note which rows have ended, and take them out of the cache once they are many."""
        live = self.live.cpu().numpy()
        going = ~self.stopped[live]
        self.lengths[live[going]] = self.step
        if self.params.stop:
            ended = ended | np.array([self._said_stop(row) for row in live])
        self.stopped[live[going & ended]] = True
        left = ~self.stopped[live]
        if not left.any() or self.step == self.most:
            return True
        if left.sum() <= SPARSE * len(left):
            kept = torch.from_numpy(np.flatnonzero(left)).to(self.live.device)
            self.live, self.positions = self.live[kept], self.positions[kept]
            self.mask = None if self.mask is None else self.mask[kept]
            self.cache.batch_select_indices(kept)
        return False

    def _said_stop(self, row: int) -> bool:
        text = self.sampler.session.tokenizer.decode(self.tokens[row, : self.step].tolist())
        return any(stop in text for stop in self.params.stop)

    def samples(self) -> list[Sample]:
        """What became of each row."""
        tokens = self.tokens.cpu().numpy().astype(np.int32)
        own, drawn = self.scores.cpu().numpy()
        return [
            Sample(
                tokens=tokens[row, :length].copy(),
                logprobs=own[row, :length].copy(),
                drawn=drawn[row, :length].copy(),
                stop_reason="stop" if self.stopped[row] else "length",
            )
            for row, length in enumerate(self.lengths.tolist())
        ]


def _room(session: TorchSession, prompts: Sequence[np.ndarray]) -> int:
    """How many tokens the model's context leaves beside the longest prompt."""
    longest = max(map(len, prompts))
    if min(map(len, prompts)) == 0:
        raise AdapterError("a prompt has no token", help="give it some text to go on from")
    if longest >= session.context:
        raise AdapterError(
            f"a prompt has {longest} tokens, and the model sees {session.context}",
            help="shorten it",
        )
    return session.context - longest


def _left_padded(
    session: TorchSession, prompts: Sequence[np.ndarray]
) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(map(len, prompts))
    ids = np.zeros((len(prompts), longest), np.int64)
    mask = np.zeros((len(prompts), longest), np.int64)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt) :] = prompt
        mask[row, longest - len(prompt) :] = 1
    device = session.device
    return torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device)


def _chances(known: torch.Tensor, params: SamplingParams) -> torch.Tensor:
    """Log-probabilities (R, V) after temperature, then top-k, then top-p.

    They are `known` itself where nothing changes them.
    """
    if params.temperature != 1:
        known = (known / params.temperature).log_softmax(1)
    if 0 < params.top_k < known.shape[1]:
        least = known.topk(params.top_k, 1).values[:, -1:]
        known = known.masked_fill(known < least, -torch.inf).log_softmax(1)
    if params.top_p < 1:
        ordered, order = known.double().exp().sort(stable=True, dim=1, descending=True)
        before = ordered.cumsum(1) - ordered
        cut = torch.zeros_like(before, dtype=torch.bool).scatter(1, order, before >= params.top_p)
        known = known.masked_fill(cut, -torch.inf).log_softmax(1)
    return known


def _drawn(chances: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    """A token of each row, by inverting the distribution function at a uniform number (R, 1)."""
    below = chances.exp().cumsum(1, dtype=torch.float64)
    at = torch.searchsorted(below, draws * below[:, -1:], right=True)
    return at[:, 0].clamp_max(chances.shape[1] - 1)
