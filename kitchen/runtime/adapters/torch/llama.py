"""A Llama's pass over tokens in few operations: of a small model those are most of the time.

The architecture is that of Touvron et al. 2023 (arXiv:2302.13971) as transformers has it, on whose
modules it works: weights stay where they are, and LoRA or a bias is taken as it comes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from transformers import LlamaForCausalLM

from kitchen.runtime.adapters.torch.fused import norm, turn
from kitchen.runtime.adapters.torch.session import Model

#: (layer, query (T, H, D), key (T, K, D), value (T, K, D)) -> (T, H * D)
Attend = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
Map = Callable[[torch.Tensor], torch.Tensor]
#: Kinds of rotary embedding whose angles do not follow the length of a sequence.
STEADY = {"default", "linear", "llama3", "yarn"}


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The parts of one decoder layer."""

    before_attention: torch.Tensor
    query: Map
    key: Map
    value: Map
    output: Map
    before_mlp: torch.Tensor
    gate: Map
    activate: Map
    up: Map
    down: Map


@dataclass(frozen=True, slots=True, eq=False)
class Angles:
    """Cosines and sines (T, 1, D) of rotary embeddings; a sine has the sign of its half."""

    cosines: torch.Tensor
    sines: torch.Tensor

    def __getitem__(self, positions: torch.Tensor) -> Angles:
        return Angles(self.cosines[positions], self.sines[positions])


class Llama:
    """A model's parts at hand, as they are now."""

    def __init__(self, model: Model) -> None:
        inner, config = model.model, model.config
        self.embeddings: nn.Module = inner.embed_tokens
        self.norm: torch.Tensor = inner.norm.weight
        self.head = _linear(model.lm_head)
        self.rotary: nn.Module = inner.rotary_emb
        self.epsilon = float(config.rms_norm_eps)
        self.width = int(inner.layers[0].self_attn.head_dim)
        self.layers = [_layer(part, part.self_attn, part.mlp) for part in inner.layers]

    def angles(self, positions: torch.Tensor) -> Angles:
        """The angles of positions (T,)."""
        cosines, sines = self.rotary(self.norm, positions[None])
        signed = sines[0].clone()
        signed[:, : signed.shape[1] // 2].neg_()
        return Angles(cosines[0, :, None], signed[:, None])

    def read(self, ids: torch.Tensor, angles: Angles, attend: Attend) -> torch.Tensor:
        """The states (T, C) that follow tokens (T,)."""
        states: torch.Tensor = self.embeddings(ids)
        for index, layer in enumerate(self.layers):
            normed = self._norm(states, layer.before_attention)
            query, key, value = (
                part(normed).view(len(ids), -1, self.width)
                for part in (layer.query, layer.key, layer.value)
            )
            query, key = (turn(part, angles.cosines, angles.sines) for part in (query, key))
            states = states + layer.output(attend(index, query, key, value))
            normed = self._norm(states, layer.before_mlp)
            inner = layer.activate(layer.gate(normed)) * layer.up(normed)
            states = states + layer.down(inner)
        return self._norm(states, self.norm)

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        return self.head(states)

    def _norm(self, states: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return norm(states, weight, self.epsilon)


def _layer(part: Model, attention: Model, mlp: Model) -> Layer:
    return Layer(
        part.input_layernorm.weight,
        _linear(attention.q_proj),
        _linear(attention.k_proj),
        _linear(attention.v_proj),
        _linear(attention.o_proj),
        part.post_attention_layernorm.weight,
        _linear(mlp.gate_proj),
        mlp.act_fn,
        _linear(mlp.up_proj),
        _linear(mlp.down_proj),
    )


def _linear(module: nn.Module) -> Map:
    """What a module does; a plain matrix is multiplied with at once."""
    if type(module) is not nn.Linear or getattr(module, "bias", None) is not None:
        return module
    transposed = module.weight.t()
    return lambda states: torch.mm(states, transposed)


def is_llama(model: Model) -> bool:
    """Whether a model can be read this way; on a GPU its own pass is left to choose precisions."""
    if type(model) is not LlamaForCausalLM or model.device.type != "cpu":
        return False
    return model.dtype == torch.float32 and model.model.rotary_emb.rope_type in STEADY
