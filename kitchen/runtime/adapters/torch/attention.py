"""Attention over the documents of a layout, given to a model as transformers takes one."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from kitchen.runtime.adapters.torch.layout import Group, Layout, lay_out
from kitchen.runtime.values import Batch

ATTENTION = "kitchen_documents"
#: transformers hands a mask of four dimensions on as it is: here, to make none of its own
NO_MASK = torch.empty(0, 0, 0, 0, dtype=torch.bool)


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

    output = attend(query[0], key[0], value[0], layout, scaling=scaling, dropout=dropout)
    return output[None], None


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    layout: Layout,
    *,
    scaling: float | None = None,
    dropout: float = 0.0,
) -> torch.Tensor:
    """Causal attention within each document: (H, T, D) -> (T, H, D)."""

    def among(group: Group) -> torch.Tensor:
        """Attention among the documents of a group, -> (t, H, D)."""
        span = slice(group.first, group.first + group.size)
        output = scaled_dot_product_attention(
            _apart(query[:, span], group),
            _gathered(key, group, span),
            _gathered(value, group, span),
            attn_mask=group.seen,
            dropout_p=dropout,
            scale=scaling,
            is_causal=group.seen is None,
            enable_gqa=len(query) != len(key),
        )
        flat = output.transpose(1, 2).flatten(0, 1)
        return flat if group.grid is None else flat.index_select(0, group.grid)

    parts = [among(group) for group in layout.groups]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _apart(states: torch.Tensor, group: Group) -> torch.Tensor:
    """(H, t, D) -> (n, H, L, D), each document in a row of its own."""
    heads, size = states.shape[0], states.shape[2]
    flat = states.transpose(0, 1)
    if group.grid is not None:
        area = group.documents * group.longest
        flat = flat.new_zeros(area, heads, size).index_copy(0, group.grid, flat)
    return flat.reshape(group.documents, group.longest, heads, size).transpose(1, 2)


def _gathered(states: torch.Tensor, group: Group, span: slice) -> torch.Tensor:
    """(H, T, D) of the whole row -> (n, H, B + L, D), with beginnings that are elsewhere."""
    if group.sources is None:
        return _apart(states[:, span], group)
    flat = states.transpose(0, 1).index_select(0, group.sources.flatten())
    return flat.reshape(*group.sources.shape, *flat.shape[1:]).transpose(1, 2)


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
        parts = torch.from_numpy(ids).to(device).split(lengths)
        alone = torch.cat(
            [model(input_ids=part[None], use_cache=False).logits[0] for part in parts]
        )
    model.train(training)
    scale = float(alone.abs().max())
    tolerance = 1e-4 if alone.dtype == torch.float32 else 0.1
    return bool((together - alone).abs().max() <= tolerance * max(scale, 1e-6))
