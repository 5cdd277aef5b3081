"""A KV cache with room for what is to come: a token is written in its place, and nothing copied."""

from __future__ import annotations

from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

AHEAD = 64  #: tokens that room is made for at a time


class RoomyLayer(DynamicLayer):
    """Keys and values (R, H, T, D) that are views of larger tensors.

    What takes rows out or repeats them replaces the views, so room is made anew after it.
    """

    _rooms: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *rest: Any, **named: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the new states after those that are there; gives all of them."""
        before = int(self.get_seq_length())
        if before == 0:
            made: tuple[torch.Tensor, torch.Tensor] = super().update(key_states, value_states)
            return made
        after = before + key_states.shape[-2]
        rooms = self._rooms
        if rooms is None or self._held() is not rooms[0] or after > rooms[0].shape[-2]:
            rooms = self._rooms = self._make_room(before, after + AHEAD)
        for room, states in zip(rooms, (key_states, value_states), strict=True):
            room[:, :, before:after] = states
        self.keys, self.values = (room[:, :, :after] for room in rooms)
        return self.keys, self.values

    def _held(self) -> torch.Tensor | None:
        """The larger tensor that the keys are a view of."""
        keys: Any = self.keys
        base: torch.Tensor | None = keys._base
        return base

    def _make_room(self, before: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        held: tuple[Any, Any] = (self.keys, self.values)
        rows, heads, _, width = held[0].shape
        keys, values = (states.new_empty(rows, heads, size, width) for states in held)
        keys[:, :, :before], values[:, :, :before] = held
        return keys, values


def roomy_cache(config: Any) -> DynamicCache:
    """A cache for a model; only layers that keep every token have room made."""
    cache = DynamicCache(config=config)
    roomy: Any = RoomyLayer
    cache.layers = [roomy() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache
