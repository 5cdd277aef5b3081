"""How the flat tokens of a batch are laid out for the model, and attention over that layout.

The model always sees one row, (1, T). Everything in a transformer but attention works on single
tokens, so a row of many documents costs no padding there; attention alone needs documents apart:

- *dense*: each document takes L places, the longest one's length. Attention sees (N, L) by a view,
  without a copy. Padding follows its document, so under a causal mask no token sees it.
- *ragged*: documents follow each other without padding. Attention copies queries, keys and values
  into (N, L) and its output back, which is cheap next to multiplying padding by every weight.

Both are exact per document, with positions that start again in each.
"""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Tokens as the model takes them, and where each token of the batch went.

    ids, positions (1, T); `places` (tokens,) gives each token's index in that row. `grid` gives
    each one's index in (N, L), or is None where the row is that grid (dense).
    """

    ids: torch.Tensor
    positions: torch.Tensor
    places: torch.Tensor
    documents: int
    longest: int
    grid: torch.Tensor | None

    @property
    def width(self) -> int:
        """Places in the row, padding included."""
        return self.ids.shape[1]


def lay_out(batch: Batch, device: torch.device, *, padded: bool = False) -> Layout:
    """Choose the faster layout for a batch and bring its tokens into it; `padded`: dense."""
    lengths = np.diff(batch.offsets)
    longest = int(lengths.max(initial=0))
    positions = np.arange(batch.tokens.size) - np.repeat(batch.offsets[:-1], lengths)
    grid = np.repeat(np.arange(lengths.size) * longest, lengths) + positions
    area = lengths.size * longest
    if not padded and batch.tokens.size < DENSE_FROM * area:
        ids, places, gathered = batch.tokens, np.arange(batch.tokens.size), _tensor(grid, device)
    else:
        ids = np.zeros(area, np.int64)
        ids[grid] = batch.tokens
        positions = np.tile(np.arange(longest), lengths.size)
        places, gathered = grid, None
    return Layout(
        ids=_tensor(ids, device)[None],
        positions=_tensor(positions, device)[None],
        places=_tensor(places, device),
        documents=int(lengths.size),
        longest=longest,
        grid=gathered,
    )


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
    output = scaled_dot_product_attention(
        _apart(query, layout),
        _apart(key, layout),
        _apart(value, layout),
        dropout_p=dropout,
        scale=scaling,
        is_causal=True,
        enable_gqa=query.shape[1] != key.shape[1],
    )
    heads, size = output.shape[1], output.shape[3]
    flat = output.transpose(1, 2).reshape(-1, heads, size)
    return (flat if layout.grid is None else flat.index_select(0, layout.grid))[None], None


def _apart(states: torch.Tensor, layout: Layout) -> torch.Tensor:
    """(1, H, T, D) -> (N, H, L, D), each document in a row of its own."""
    heads, size = states.shape[1], states.shape[3]
    flat = states[0].transpose(0, 1)
    if layout.grid is not None:
        area = layout.documents * layout.longest
        flat = flat.new_zeros(area, heads, size).index_copy(0, layout.grid, flat)
    return flat.reshape(layout.documents, layout.longest, heads, size).transpose(1, 2)


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
    if not model._supports_attention_backend or windowed or window is not None:
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
