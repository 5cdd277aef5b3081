"""From rows in a store to batches for a step."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, NamedTuple

from kitchen.ir.spec import Effect
from kitchen.runtime.config import Config, setting
from kitchen.runtime.ports import DataError, DatasetStore, TrainingClient
from kitchen.runtime.stage import stage
from kitchen.runtime.values import Batch, Dataset, Stream, Tokenizer, Tokens

Format = Literal["auto", "messages", "prompt_completion", "instruction", "question_answer", "text"]
TextFormat = Literal[
    "auto", "messages", "prompt_completion", "instruction", "question_answer", "text", "pairs"
]


class LoadDatasetConfig(Config):
    source: str = setting(doc="a path, a pattern or `package:NAME/PATTERN`: the store says")


@stage(effect=Effect.READS)
def load_dataset(*, config: LoadDatasetConfig, datasets: DatasetStore) -> Dataset:
    """Find a data set, and take the digest of its bytes."""
    if not config.source.strip():
        raise DataError("no data set is named", help="set `dataset` to a file or a pattern")
    return datasets.open(config.source)


class SplitDatasetConfig(Config):
    fraction: float = setting(minimum=0, below=1, doc="share of the rows that is held out")
    seed: int = 0


class Split(NamedTuple):
    """A data set in two: no row is in both."""

    train: Dataset
    held_out: Dataset


@stage(effect=Effect.PURE)
def split_dataset(dataset: Dataset, *, config: SplitDatasetConfig) -> Split:
    """Hold out a share of the rows, chosen by a hash of each row's index."""
    from kitchen.runtime.order import cut, selected_count

    if dataset.keep is not None:
        raise DataError(
            "it is a part of a data set, and only a whole one is split",
            uri=dataset.uri,
            help="split what `load_dataset` gives",
        )
    if config.fraction == 0:
        return Split(dataset, replace(dataset, keep=(1.0, 1.0), rows=0))
    if dataset.rows < 2:
        raise DataError(
            "it has one row, and a part of the rows is to be held out",
            uri=dataset.uri,
            help="add rows, or hold out nothing",
        )
    bound = cut(dataset.rows, config.fraction, config.seed)
    kept, held_out = (
        replace(dataset, keep=keep, seed=config.seed) for keep in ((0.0, bound), (bound, 1.0))
    )
    return Split(
        replace(kept, rows=selected_count(kept, dataset.rows)),
        replace(held_out, rows=selected_count(held_out, dataset.rows)),
    )


class LoadTokenizerConfig(Config):
    model: str = setting(doc="preset, local directory or hub id")
    format: TextFormat = "auto"


@stage(effect=Effect.PURE)
def load_tokenizer(
    dataset: Dataset,
    *,
    config: LoadTokenizerConfig,
    training: TrainingClient,
    datasets: DatasetStore,
) -> Tokenizer:
    """The tokenizer of a model; a preset trains its own on the text of the data."""
    from kitchen.runtime.tokens import texts

    return training.load_tokenizer(
        config.model, lambda: texts(datasets.rows(dataset), config.format)
    )


class TokenizeConfig(Config):
    format: Format = setting(
        default="auto", doc="what the columns mean; `auto` goes by their names"
    )
    train_on: Literal["last_assistant", "all_assistant", "all"] = "last_assistant"
    max_length: int = setting(
        default=1024, minimum=2, doc="tokens; what is longer is cut, and counted"
    )


@stage(effect=Effect.PURE)
def tokenize(
    dataset: Dataset, tokenizer: Tokenizer, *, config: TokenizeConfig, datasets: DatasetStore
) -> Tokens:
    """The rows as token ids, with the weight of each as a target; kept by content."""
    from kitchen.runtime.tokens import RenderOptions, tokenize_dataset

    options = RenderOptions(config.format, config.train_on, config.max_length)
    return tokenize_dataset(dataset, tokenizer, options, datasets)


class BuildBatchesConfig(Config):
    batch_size: int = setting(default=8, minimum=1, doc="sequences in a batch")
    max_tokens: int = setting(
        default=0,
        minimum=0,
        doc="tokens in a packed batch; 0 = those of `batch_size` longest sequences",
    )
    epoch: int = setting(default=0, minimum=0)
    seed: int = 0
    shuffle: bool = True
    packing: Literal["bucket", "none", "pack"] = setting(
        default="none",
        doc="`none`: as they come; `pack`: up to `max_tokens`; `bucket`: like lengths",
    )


@stage(effect=Effect.PURE)
def build_batches(tokens: Tokens, *, config: BuildBatchesConfig) -> Stream[Batch]:
    """One epoch of batches, in an order that is a function of seed, epoch and index."""
    from kitchen.runtime.batching import BatchOptions, BatchStream

    return BatchStream(tokens, BatchOptions(**vars(config)))
