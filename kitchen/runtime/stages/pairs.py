"""From rows of preferences to batches of whole pairs."""

from __future__ import annotations

from typing import Literal

from kitchen.ir.spec import Effect
from kitchen.runtime.config import Config, setting
from kitchen.runtime.pairs import PairBatch, Pairs
from kitchen.runtime.ports import DatasetStore
from kitchen.runtime.stage import stage
from kitchen.runtime.values import Dataset, Stream, Tokenizer, Tokens


class TokenizePairsConfig(Config):
    format: Literal["auto", "text"] = setting(
        default="auto",
        doc="`auto`: a prompt and two strings are a question and its answers; `text`: text goes on",
    )
    max_length: int = setting(
        default=1024, minimum=2, doc="tokens of prompt and answer; what is longer is cut"
    )


@stage(effect=Effect.PURE)
def tokenize_pairs(
    dataset: Dataset, tokenizer: Tokenizer, *, config: TokenizePairsConfig, datasets: DatasetStore
) -> Pairs:
    """Rows of `chosen` and `rejected`, with or without `prompt`, as token ids; kept by content."""
    from kitchen.runtime.pair_tokens import PairOptions, tokenize_dataset_pairs

    options = PairOptions(config.format, config.max_length)
    return tokenize_dataset_pairs(dataset, tokenizer, options, datasets)


@stage(effect=Effect.PURE)
def chosen_tokens(pairs: Pairs) -> Tokens:
    """The chosen answers by themselves, as supervised training takes them."""
    from kitchen.runtime.pair_tokens import chosen_sequences

    return chosen_sequences(pairs)


class PreferenceBatchesConfig(Config):
    batch_size: int = setting(default=8, minimum=1, doc="pairs in a batch")
    epoch: int = setting(default=0, minimum=0)
    seed: int = 0
    shuffle: bool = True


@stage(effect=Effect.PURE)
def preference_batches(pairs: Pairs, *, config: PreferenceBatchesConfig) -> Stream[PairBatch]:
    """One epoch of batches of whole pairs, in an order of seed, epoch and index."""
    from kitchen.runtime.pair_batches import PairBatchOptions, PairStream

    return PairStream(pairs, PairBatchOptions(**vars(config)))
