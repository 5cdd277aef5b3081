"""Rows as `Tokens`: tokenised in blocks, kept flat under the digest of all that matters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice

import numpy as np

from kitchen.runtime import rendering
from kitchen.runtime.formats import AUTO, Conversation, Text, detect_format, read_example
from kitchen.runtime.pair_rows import PAIRS, pair_texts
from kitchen.runtime.ports import DataError, DatasetStore, Row
from kitchen.runtime.rendering import Rendered, RenderError, Segment, TrainOn, assemble, segments
from kitchen.runtime.values import Dataset, Tokenizer, Tokens

ROWS_AT_A_TIME = 512
COUNTS = ("trained", "truncated", "dropped", "bytes")  #: what the column `counts` holds, in order

Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """What decides, beside the row and the tokenizer, which tokens a row becomes."""

    format: str = AUTO
    train_on: TrainOn = "last_assistant"
    max_length: int = 1024


def tokenize_dataset(
    dataset: Dataset, tokenizer: Tokenizer, options: RenderOptions, datasets: DatasetStore
) -> Tokens:
    """The tokens of a data set, made once and kept; later asked for, they are only mapped."""
    key = tokens_key(dataset, tokenizer, options)
    columns = datasets.cached(key)
    if columns is None:
        columns = datasets.keep(key, token_chunks(datasets.rows(dataset), tokenizer, options))
    counts = dict(zip(COUNTS, columns["counts"].tolist(), strict=True))
    sequences = len(columns["offsets"]) - 1
    if sequences == 0:
        raise nothing_trained(dataset, options, truncated=counts["truncated"])
    return Tokens(
        digest=key,
        tokens=columns["tokens"],
        weights=columns["weights"],
        offsets=columns["offsets"],
        sequences=sequences,
        **counts,
    )


def tokens_key(dataset: Dataset, tokenizer: Tokenizer, options: RenderOptions) -> str:
    """SHA-256 of everything that decides the tokens."""
    return content_key(dataset, tokenizer, {"options": asdict(options)})


def content_key(dataset: Dataset, tokenizer: Tokenizer, options: Mapping[str, object]) -> str:
    """SHA-256 of everything that decides what the rows of a data set become."""
    deciding = {
        "renderer": rendering.VERSION,
        "dataset": [dataset.digest, dataset.keep, dataset.seed],
        "tokenizer": [tokenizer.digest, tokenizer.chat_template],
        "ends": [tokenizer.bos_id, tokenizer.eos_id],
        **options,
    }
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


def nothing_trained(dataset: Dataset, options: RenderOptions, *, truncated: int) -> DataError:
    """A data set of which no token is left to be trained on."""
    if truncated:
        return DataError(
            f"cut to {options.max_length} tokens, no row has a token left to train on",
            uri=dataset.uri,
            help="raise `max_length`",
        )
    return DataError(
        f"no row has a token to train on with `train_on: {options.train_on}`",
        uri=dataset.uri,
        help="a conversation is trained on what the `assistant` says; `train_on: all` takes it all",
    )


def token_chunks(
    rows: Iterable[Row], tokenizer: Tokenizer, options: RenderOptions
) -> Iterator[Columns]:
    """The columns of `Tokens`, a block of rows at a time; `counts` comes last."""
    counts = dict.fromkeys(COUNTS, 0)
    end = 0
    yield {"offsets": np.zeros(1, np.int64), **_NOTHING}
    for block in render_blocks(rows, tokenizer, options):
        counts["truncated"] += sum(one.truncated for one in block)
        kept = [one for one in block if one.trained]
        counts["dropped"] += len(block) - len(kept)
        if not kept:
            continue
        counts["trained"] += sum(one.trained for one in kept)
        counts["bytes"] += sum(one.bytes for one in kept)
        offsets = end + np.cumsum([len(one.tokens) for one in kept], dtype=np.int64)
        end = int(offsets[-1])
        yield {
            "tokens": np.concatenate([one.tokens for one in kept]),
            "weights": np.concatenate([one.weights for one in kept]),
            "offsets": offsets,
        }
    yield {"counts": np.array([counts[name] for name in COUNTS], np.int64)}


_NOTHING: Columns = {"tokens": np.empty(0, np.int32), "weights": np.empty(0, np.float32)}


def render_blocks(
    rows: Iterable[Row], tokenizer: Tokenizer, options: RenderOptions
) -> Iterator[list[Rendered]]:
    """The rows rendered, in blocks; where the format is `auto`, the first row decides it."""
    source = iter(rows)
    format_ = options.format
    while block := list(islice(source, ROWS_AT_A_TIME)):
        if format_ == AUTO:
            format_ = detect_format(block[0])
        parts = [_segments(row, format_, tokenizer, options.train_on) for row in block]
        pieces = iter(tokenizer.encode([part.text for row in parts for part in row]))
        yield [
            assemble(row, list(islice(pieces, len(row))), tokenizer, options.max_length)
            for row in parts
        ]


def _segments(
    row: Row, format_: str, tokenizer: Tokenizer, train_on: TrainOn
) -> tuple[Segment, ...]:
    try:
        return segments(read_example(row, format_), tokenizer, train_on)
    except RenderError as cause:
        raise DataError(str(cause), uri=row.uri, row=row.number, help=cause.help) from cause


def texts(rows: Iterable[Row], format_: str) -> Iterator[str]:
    """What a tokenizer is trained on: the text a person wrote in each row."""
    if format_ == PAIRS:
        yield from pair_texts(rows)
        return
    for row in rows:
        if format_ == AUTO:
            format_ = detect_format(row)
        example = read_example(row, format_)
        match example:
            case Text(completion=completion, prompt=prompt):
                yield prompt + completion
            case Conversation(messages=messages):
                yield from (message["content"] for message in messages)
