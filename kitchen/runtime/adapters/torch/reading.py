"""How a model reads what it goes on from: prompts at once, then a token of each row at a time."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from transformers import Cache

from kitchen.runtime.adapters.torch.cache import roomy_cache
from kitchen.runtime.adapters.torch.session import Model


class Reader(Protocol):
    """Keeps what was read of each row; logits are (R, V) float32, of the token that comes next."""

    def begin(self, ids: torch.Tensor, mask: torch.Tensor, count: int) -> torch.Tensor:
        """Read prompts (P, T), padded on the left; each goes on as `count` rows."""
        ...

    def advance(self, tokens: torch.Tensor) -> torch.Tensor:
        """Read the next token (R,) of each row."""
        ...

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with these rows alone."""
        ...


class ModelReader:
    """Any model, through its own forward pass over a cache of its own."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def begin(self, ids: torch.Tensor, mask: torch.Tensor, count: int) -> torch.Tensor:
        self.cache: Any = roomy_cache(self.model.config)
        logits = read_prompts(self.model, ids, mask, self.cache)
        self.positions = mask.sum(1, keepdim=True).repeat_interleave(count, 0)
        self.mask = None if bool(mask.all()) else mask.repeat_interleave(count, 0)
        if count > 1:
            self.cache.batch_repeat_interleave(count)
        return logits.repeat_interleave(count, 0)

    def advance(self, tokens: torch.Tensor) -> torch.Tensor:
        if self.mask is not None:
            self.mask = torch.cat([self.mask, self.mask.new_ones(len(self.mask), 1)], 1)
        # One query sees all that is no padding. In four dimensions the mask is taken as it is.
        seen = None if self.mask is None else self.mask[:, None, None].bool()
        logits: torch.Tensor = self.model(
            input_ids=tokens[:, None],
            attention_mask=seen,
            position_ids=self.positions,
            past_key_values=self.cache,
            use_cache=True,
        ).logits[:, -1]
        self.positions = self.positions + 1
        return logits.float()

    def keep(self, rows: torch.Tensor) -> None:
        self.positions = self.positions[rows]
        self.mask = None if self.mask is None else self.mask[rows]
        self.cache.batch_select_indices(rows)


def read_prompts(model: Model, ids: torch.Tensor, mask: torch.Tensor, cache: Cache) -> torch.Tensor:
    """The model's logits (P, V) after each prompt, whose keys and values go into the cache."""
    logits: torch.Tensor = model(
        input_ids=ids,
        attention_mask=None if bool(mask.all()) else mask,
        position_ids=(mask.cumsum(1) - 1).clamp_min(0),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    ).logits[:, -1]
    return logits.float()
