"""A Llama's pass over tokens in few operations: of a small model those are most of the time.

The architecture is that of Touvron et al. 2023 (arXiv:2302.13971) as transformers has it, on whose
modules it works: weights stay where they are, and LoRA or a bias is taken as it comes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import embedding, rms_norm
from transformers import LlamaForCausalLM

from kitchen.runtime.adapters.torch.session import Model

#: (layer, query (T, H, D), key (T, K, D), value (T, K, D)) -> (T, H * D)
Attend = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
#: Kinds of rotary embedding whose angles do not follow the length of a sequence.
STEADY = {"default", "linear", "llama3", "yarn"}


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The parts of one decoder layer."""

    before_attention: torch.Tensor
    query: nn.Module
    key: nn.Module
    value: nn.Module
    output: nn.Module
    before_mlp: torch.Tensor
    mlp: nn.Module


@dataclass(frozen=True, slots=True, eq=False)
class Angles:
    """Cosines and sines (T, 1, D) of rotary embeddings; a sine has the sign of its half."""

    cosines: torch.Tensor
    sines: torch.Tensor

    def __getitem__(self, positions: torch.Tensor) -> Angles:
        return Angles(self.cosines[positions], self.sines[positions])

    def turn(self, states: torch.Tensor) -> torch.Tensor:
        """(T, H, D) turned by position (Su et al. 2021, arXiv:2104.09864), halves as pairs."""
        other = states.roll(states.shape[-1] // 2, -1)
        return torch.addcmul(states * self.cosines, other, self.sines)


class Llama:
    """A model's parts at hand, as they are now."""

    def __init__(self, model: Model) -> None:
        inner, config = model.model, model.config
        self.embeddings: torch.Tensor = inner.embed_tokens.weight
        self.norm: torch.Tensor = inner.norm.weight
        self.head: nn.Module = model.lm_head
        self.rotary: nn.Module = inner.rotary_emb
        self.epsilon = float(config.rms_norm_eps)
        self.heads, self.key_value_heads = config.num_attention_heads, config.num_key_value_heads
        self.layers = [
            Layer(
                layer.input_layernorm.weight,
                layer.self_attn.q_proj,
                layer.self_attn.k_proj,
                layer.self_attn.v_proj,
                layer.self_attn.o_proj,
                layer.post_attention_layernorm.weight,
                layer.mlp,
            )
            for layer in inner.layers
        ]

    def angles(self, positions: torch.Tensor) -> Angles:
        """The angles of positions (T,)."""
        cosines, sines = self.rotary(self.embeddings, positions[None])
        signed = sines[0].clone()
        signed[:, : signed.shape[1] // 2].neg_()
        return Angles(cosines[0, :, None], signed[:, None])

    def read(self, ids: torch.Tensor, angles: Angles, attend: Attend) -> torch.Tensor:
        """The states (T, C) that follow tokens (T,)."""
        states = embedding(ids, self.embeddings)
        for index, layer in enumerate(self.layers):
            normed = self._norm(states, layer.before_attention)
            query, key = layer.query(normed), layer.key(normed)
            value = layer.value(normed).unflatten(1, (self.key_value_heads, -1))
            both = torch.cat((query, key), 1).unflatten(1, (self.heads + self.key_value_heads, -1))
            query, key = angles.turn(both).split((self.heads, self.key_value_heads), 1)
            states = states + layer.output(attend(index, query, key, value))
            states = states + layer.mlp(self._norm(states, layer.before_mlp))
        return self._norm(states, self.norm)

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.head(states)
        return found

    def _norm(self, states: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return rms_norm(states, weight.shape, weight, self.epsilon)


def is_llama(model: Model) -> bool:
    """Whether a model can be read this way; on a GPU its own pass is left to choose precisions."""
    if type(model) is not LlamaForCausalLM or model.device.type != "cpu":
        return False
    return model.dtype == torch.float32 and model.model.rotary_emb.rope_type in STEADY
