"""Sampling side by side over one KV cache: prompts left-padded, each row until its own end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from kitchen.runtime.adapters.torch.drawing import chances_of, drawn_from
from kitchen.runtime.adapters.torch.llama import is_llama
from kitchen.runtime.adapters.torch.llama_reading import LlamaReader
from kitchen.runtime.adapters.torch.reading import ModelReader, Reader
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
        reader: Reader = (
            LlamaReader(session.model, limit)
            if is_llama(session.model)
            else ModelReader(session.model)
        )
        rows.play(reader, reader.begin(*_left_padded(session, prompts), count))
    done = rows.samples()
    return [done[at : at + count] for at in range(0, len(done), count)]


class Rows:
    """Sequences that are sampled side by side; those that ended are taken out in time.

    `draws` (R, L) holds the uniform number for each token of each row; so L tokens are the most.
    """

    def __init__(self, sampler: TorchSampler, params: SamplingParams, draws: torch.Tensor) -> None:
        self.sampler, self.params, self.draws = sampler, params, draws
        self.tokens = np.zeros(draws.shape, np.int32)
        self.scores = np.zeros((2, *draws.shape), np.float32)  # the model's own, and as drawn
        self.lengths = np.zeros(len(draws), np.int64)
        self.stopped = np.zeros(len(draws), bool)
        self.live = np.arange(len(draws))  #: the rows that the reader goes on with
        self.step = 0

    def play(self, reader: Reader, logits: torch.Tensor) -> None:
        """Sample until all rows have ended, from the logits (R, V) of their first tokens on."""
        while True:
            chosen = self._take(logits)
            left = ~self.stopped[self.live]
            if not left.any() or self.step == self.draws.shape[1]:
                return
            if left.sum() <= SPARSE * len(left):
                kept = torch.from_numpy(np.flatnonzero(left)).to(chosen.device)
                self.live, chosen, self.draws = self.live[left], chosen[kept], self.draws[kept]
                reader.keep(kept)
            logits = reader.advance(chosen)

    def _take(self, logits: torch.Tensor) -> torch.Tensor:
        """Draw the next token of each live row, and note it."""
        known = logits.log_softmax(1)
        if self.params.temperature == 0:
            chosen, drawn = logits.argmax(1), None
        else:
            drawn = chances_of(known, self.params)
            chosen = drawn_from(drawn, self.draws[:, self.step, None])
        places = chosen[:, None]
        found = [scores.gather(1, places) for scores in (known, drawn) if scores is not None]
        tokens = chosen.cpu().numpy()
        self.tokens[self.live, self.step] = tokens
        for kind, scores in enumerate(found):
            self.scores[kind, self.live, self.step] = scores[:, 0].cpu().numpy()
        self.step += 1
        self._settle(tokens)
        return chosen

    def _settle(self, tokens: np.ndarray) -> None:
        """Note which rows have ended."""
        going = ~self.stopped[self.live]
        self.lengths[self.live[going]] = self.step
        ended = (tokens[:, None] == self.sampler.ends).any(1)
        if self.params.stop:
            ended |= np.array([self._said_stop(row) for row in self.live.tolist()])
        self.stopped[self.live[going & ended]] = True

    def _said_stop(self, row: int) -> bool:
        text = self.sampler.session.tokenizer.decode(self.tokens[row, : self.step].tolist())
        return any(stop in text for stop in self.params.stop)

    def samples(self) -> list[Sample]:
        """What became of each row."""
        own, drawn = self.scores
        return [
            Sample(
                tokens=self.tokens[row, :length].copy(),
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
