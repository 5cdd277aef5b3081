"""How the flat tokens of a batch are laid out for the model, and attention over that layout.

The model always sees one row, (1, T). Everything in a transformer but attention works on single
tokens, so a row of many documents costs no padding there; attention alone needs documents apart:

- *dense*: each document takes L places, the longest one's length. Attention sees (N, L) by a view,
  without a copy. Padding follows its document, so under a causal mask no token sees it.
- *ragged*: documents follow each other without padding, the longest first. Attention takes those
  of like length together: it copies their queries, keys and values into (n, L) and its output
  back, which is cheap next to multiplying padding by every weight.

Both are exact per document, with positions that start again in each.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from kitchen.runtime.values import Batch

ATTENTION = "kitchen_documents"
#: transformers hands a mask of four dimensions on as it is: here, to make none of its own
NO_MASK = torch.empty(0, 0, 0, 0, dtype=torch.bool)
DENSE_FROM = 0.97  #: share of places that hold a token from which dense is the faster layout
LIKE = 0.6  #: attention takes documents together that are at least this share of the longest


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Documents that attention takes together: the places they have in the row, from `first`.

    `grid` gives each place's index in (documents, longest); None where the places are that grid.
    """

    first: int
    size: int
    documents: int
    longest: int
    grid: torch.Tensor | None


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Tokens as the model takes them, and where each token of the batch went.

    ids, positions (1, T); `places` (tokens,) gives each token's index in that row. The groups
    follow each other and fill it.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    places: torch.Tensor
    groups: tuple[Group, ...]
    dense: bool

    @property
    def width(self) -> int:
        """Places in the row, padding included."""
        return self.ids.shape[1]


def lay_out(batch: Batch, device: torch.device, *, padded: bool = False) -> Layout:
    """Choose the faster layout for a batch and bring its tokens into it; `padded`: dense."""
    lengths = np.diff(batch.offsets)
    longest = int(lengths.max(initial=0))
    within = np.arange(batch.tokens.size) - np.repeat(batch.offsets[:-1], lengths)
    area = lengths.size * longest
    dense = padded or batch.tokens.size >= DENSE_FROM * area
    if dense:
        places = np.repeat(np.arange(lengths.size) * longest, lengths) + within
        positions = np.tile(np.arange(longest), lengths.size)
        groups: tuple[Group, ...] = (Group(0, area, lengths.size, longest, None),)
        width = area
    else:
        order = np.argsort(-lengths, kind="stable")
        starts = np.empty_like(lengths)
        starts[order] = np.cumsum(lengths[order]) - lengths[order]
        places = np.repeat(starts, lengths) + within
        positions = np.empty_like(within)
        positions[places] = within
        groups = tuple(_groups(lengths[order], device))
        width = batch.tokens.size
    ids = np.zeros(width, np.int64)
    ids[places] = batch.tokens
    return Layout(
        ids=_tensor(ids, device)[None],
        positions=_tensor(positions, device)[None],
        places=_tensor(places, device),
        groups=groups,
        dense=dense,
    )


def _groups(lengths: np.ndarray, device: torch.device) -> Iterator[Group]:
    """Documents of like length; the lengths come in falling order."""
    first = place = 0
    while first < lengths.size:
        longest = int(lengths[first])
        end = int(np.searchsorted(-lengths, -LIKE * longest, side="right"))
        sizes = lengths[first:end]
        size = int(sizes.sum())
        within = np.arange(size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        grid = np.repeat(np.arange(sizes.size) * longest, sizes) + within
        even = size == sizes.size * longest
        yield Group(place, size, sizes.size, longest, None if even else _tensor(grid, device))
        first, place = end, place + size


def _tensor(array: np.ndarray, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.int64)).to(device)


def attend_documents(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    layout: Layout | None = None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **rest: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention within each document; without a layout, attention as transformers has it.

    query (1, H, T, D), key and value (1, H or fewer, T, D) -> (1, T, H, D).
    """
    if layout is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **rest
        )

    def attend(group: Group) -> torch.Tensor:
        """Attention among the documents of a group, -> (t, H, D)."""
        span = slice(group.first, group.first + group.size)
        output = scaled_dot_product_attention(
            _apart(query[0, :, span], group),
            _apart(key[0, :, span], group),
            _apart(value[0, :, span], group),
            dropout_p=dropout,
            scale=scaling,
            is_causal=True,
            enable_gqa=query.shape[1] != key.shape[1],
        )
        flat = output.transpose(1, 2).flatten(0, 1)
        return flat if group.grid is None else flat.index_select(0, group.grid)

    parts = [attend(group) for group in layout.groups]
    return (parts[0] if len(parts) == 1 else torch.cat(parts))[None], None


def _apart(states: torch.Tensor, group: Group) -> torch.Tensor:
    """(H, t, D) -> (n, H, L, D), each document in a row of its own."""
    heads, size = states.shape[0], states.shape[2]
    flat = states.transpose(0, 1)
    if group.grid is not None:
        area = group.documents * group.longest
        flat = flat.new_zeros(area, heads, size).index_copy(0, group.grid, flat)
    return flat.reshape(group.documents, group.longest, heads, size).transpose(1, 2)


AttentionInterface.register(ATTENTION, attend_documents)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)


def isolate_documents(model: Any) -> bool:
    """Give a model attention over layouts, where that leaves its results as they are.

    A model may look across tokens by other means (windows, convolutions, recurrence), so it is
    asked: two documents in one row must give what each gives alone.
    """
    config = model.config.get_text_config()
    windowed = set(getattr(config, "layer_types", None) or ()) - {"full_attention"}
    window = getattr(config, "sliding_window", None)
    chooses = "logits_to_keep" in inspect.signature(type(model).forward).parameters
    if not (model._supports_attention_backend and chooses) or windowed or window is not None:
        return False
    before = model.config._attn_implementation
    model.set_attn_implementation(ATTENTION)
    if _isolates(model):
        return True
    model.set_attn_implementation(before)
    return False


def _isolates(model: Any) -> bool:
    lengths, device = [9, 5], model.device
    ids = np.arange(1, 15) % model.config.get_text_config().vocab_size
    offsets = np.array([0, 9, 14])
    batch = Batch(0, ids, offsets, {}, 2, 0)
    layout = lay_out(batch, device)
    training = model.training
    model.eval()
    with torch.no_grad():
        together = model(
            input_ids=layout.ids,
            position_ids=layout.positions,
            attention_mask=NO_MASK,
            layout=layout,
            use_cache=False,
        ).logits[0, layout.places]
        parts = _tensor(ids, device).split(lengths)
        alone = torch.cat(
            [model(input_ids=part[None], use_cache=False).logits[0] for part in parts]
        )
    model.train(training)
    scale = float(alone.abs().max())
    tolerance = 1e-4 if alone.dtype == torch.float32 else 0.1
    return bool((together - alone).abs().max() <= tolerance * max(scale, 1e-6))
