"""Reading with a Llama, a token of each row at a time, into room that is there for it."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import pad
from transformers import DynamicCache

from kitchen.runtime.adapters.torch.llama import Llama
from kitchen.runtime.adapters.torch.reading import read_prompts
from kitchen.runtime.adapters.torch.session import Model

AHEAD = 64  #: tokens that room is made for at first; it doubles when it is full


class LlamaReader:
    """A reader that writes each key and value in its place, and copies none.

    Of L layers, R rows and K heads: `keys` (L, R * K, D, room), in the order in which they are
    multiplied with queries, and `values` (L, R * K, room, D). Where prompts are padded, `padding`
    (R * K, 1, T) is added to scores: -inf at those places.
    """

    def __init__(self, model: Model, most: int) -> None:
        self.model, self.llama = model, Llama(model)
        self.most = most  #: tokens that are read after the prompts

    def begin(self, ids: torch.Tensor, mask: torch.Tensor, count: int) -> torch.Tensor:
        cache: Any = DynamicCache(config=self.model.config)
        logits = read_prompts(self.model, ids, mask, cache)
        prompts, heads, self.length, width = cache.layers[0].keys.shape
        room = self.length + min(AHEAD, self.most)
        shape = (len(cache.layers), prompts, count, heads)
        keys, values = logits.new_empty(*shape, width, room), logits.new_empty(*shape, room, width)
        for index, layer in enumerate(cache.layers):
            keys[index, ..., : self.length] = layer.keys[:, None].mT
            values[index, ..., : self.length, :] = layer.values[:, None]
        self.keys, self.values = keys.flatten(1, 3), values.flatten(1, 3)
        self.positions = mask.sum(1).repeat_interleave(count)
        self.angles = self.llama.angles(torch.arange(self.length + self.most))
        self.padding = logits.new_zeros(prompts, 1, self.length + self.most)
        self.padding[:, 0, : self.length].masked_fill_(mask == 0, -torch.inf)
        self.padded = not bool(mask.all())
        if self.padded:
            self.padding = self.padding.repeat_interleave(count * heads, 0)
        return logits.repeat_interleave(count, 0)

    @torch.inference_mode()
    def advance(self, tokens: torch.Tensor) -> torch.Tensor:
        if self.length == self.keys.shape[3]:
            self._make_room(min(self.length, self.padding.shape[2] - self.length))
        self.length += 1
        states = self.llama.read(tokens, self.angles[self.positions], self._attend)
        self.positions = self.positions + 1
        return self.llama.logits(states)

    def keep(self, rows: torch.Tensor) -> None:
        def kept(states: torch.Tensor, at: int) -> torch.Tensor:
            """Of (..., R * K, ...)."""
            apart: Any = states.unflatten(at, (count, -1))
            chosen: torch.Tensor = apart.index_select(at, rows).flatten(at, at + 1)
            return chosen

        count = len(self.positions)
        self.keys, self.values = kept(self.keys, 1), kept(self.values, 1)
        self.positions = self.positions[rows]
        if self.padded:
            self.padding = kept(self.padding, 0)

    def _attend(
        self, index: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor
    ) -> torch.Tensor:
        length = self.length
        keys, values = self.keys[index, :, :, :length], self.values[index, :, :length]
        keys[:, :, -1], values[:, -1] = key.flatten(0, 1), value.flatten(0, 1)
        queries = query.reshape(len(keys), -1, keys.shape[1])
        bias, scale = self.padding[:, :, :length], keys.shape[1] ** -0.5
        if not self.padded:
            bias = bias[:1]
        scores = torch.baddbmm(bias, queries, keys, beta=int(self.padded), alpha=scale)
        return torch.bmm(scores.softmax(-1), values).view(len(query), -1)

    def _make_room(self, more: int) -> None:
        """For so many more tokens."""
        self.keys = pad(self.keys, (0, more))
        self.values = pad(self.values, (0, 0, 0, more))
