"""Small models built from a configuration, with random weights and a tokenizer of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import LlamaConfig

    from kitchen.runtime.adapters.torch.tokenizer import FastTokenizer


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """The shape of a Llama model (Touvron et al. 2023), and the size of its vocabulary.

    `spread` is the standard deviation of its first weights: in a narrow model the usual 0.02 leaves
    each layer with next to nothing, and learning starts hundreds of steps late.
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    key_value_heads: int
    inner: int
    context: int = 2048
    spread: float = 0.02

    def config(self, tokenizer: FastTokenizer) -> LlamaConfig:
        from transformers import LlamaConfig

        return LlamaConfig(
            vocab_size=tokenizer.vocab_size,
            hidden_size=self.width,
            intermediate_size=self.inner,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.key_value_heads,
            max_position_embeddings=self.context,
            initializer_range=self.spread,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_id,
            eos_token_id=tokenizer.eos_id,
            pad_token_id=tokenizer.pad_id,
            dtype="float32",
        )


PRESETS: Mapping[str, Preset] = {
    "nano": Preset(
        vocabulary=512, width=64, layers=2, heads=4, key_value_heads=2, inner=160, spread=0.06
    ),
    "tiny": Preset(vocabulary=2048, width=192, layers=4, heads=6, key_value_heads=3, inner=512),
}
