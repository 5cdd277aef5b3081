"""Rows of preferences as `Pairs`: tokenised in blocks, kept under a digest of what matters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice

import numpy as np

from kitchen.runtime.pair_rows import read_preference
from kitchen.runtime.pairs import Pairs
from kitchen.runtime.ports import DataError, DatasetStore, Row
from kitchen.runtime.rendering import Rendered, RenderError, Segment, assemble, segments
from kitchen.runtime.tokens import ROWS_AT_A_TIME, content_key
from kitchen.runtime.values import Dataset, Tokenizer, Tokens

COUNTS = ("trained", "truncated", "dropped", "bytes")  #: what the column `counts` holds, in order

Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class PairOptions:
    """What decides, beside the row and the tokenizer, which tokens a pair becomes."""

    format: str = "auto"
    max_length: int = 1024


@dataclass(frozen=True, slots=True, eq=False)
class RenderedPair:
    """The tokens of a pair's two sequences."""

    chosen: Rendered
    rejected: Rendered

    @property
    def tells(self) -> bool:
        """Whether there is anything to prefer: two answers, and not the same."""
        both = self.chosen.trained and self.rejected.trained
        return bool(both) and not np.array_equal(self.chosen.tokens, self.rejected.tokens)


def tokenize_dataset_pairs(
    dataset: Dataset, tokenizer: Tokenizer, options: PairOptions, datasets: DatasetStore
) -> Pairs:
    """The pairs of a data set, made once and kept; later asked for, they are only mapped."""
    key = content_key(dataset, tokenizer, {"pairs": asdict(options)})
    columns = datasets.cached(key)
    if columns is None:
        columns = datasets.keep(key, pair_chunks(datasets.rows(dataset), tokenizer, options))
    counts = dict(zip(COUNTS, columns["counts"].tolist(), strict=True))
    dropped = counts.pop("dropped")
    sequences = len(columns["offsets"]) - 1
    if sequences == 0:
        raise DataError(
            f"cut to {options.max_length} tokens, no row has two answers that differ",
            uri=dataset.uri,
            help="raise `max_length`, or look at `chosen` and `rejected`",
        )
    tokens = Tokens(
        digest=key,
        tokens=columns["tokens"],
        weights=columns["weights"],
        offsets=columns["offsets"],
        sequences=sequences,
        **counts,
    )
    return Pairs(digest=key, tokens=tokens, pairs=sequences // 2, dropped=dropped)


def chosen_sequences(pairs: Pairs) -> Tokens:
    """The chosen answers by themselves, to be trained on as they are."""
    whole, which = pairs.tokens, np.arange(pairs.tokens.sequences) % 2 == 0
    lengths = np.diff(whole.offsets)
    kept = np.repeat(which, lengths)
    weights = whole.weights[kept]
    return Tokens(
        digest=f"{pairs.digest}-chosen",
        tokens=whole.tokens[kept],
        weights=weights,
        offsets=np.append(0, np.cumsum(lengths[which])),
        sequences=pairs.pairs,
        trained=int(np.count_nonzero(weights)),
        truncated=0,
        bytes=0,
    )


def pair_chunks(
    rows: Iterable[Row], tokenizer: Tokenizer, options: PairOptions
) -> Iterator[Columns]:
    """The columns of `Pairs`, a block of rows at a time; `counts` comes last."""
    counts = dict.fromkeys(COUNTS, 0)
    end = 0
    yield {
        "offsets": np.zeros(1, np.int64),
        "tokens": np.empty(0, np.int32),
        "weights": np.empty(0, np.float32),
    }
    for block in render_pairs(rows, tokenizer, options):
        telling = [pair for pair in block if pair.tells]
        counts["dropped"] += len(block) - len(telling)
        sequences = [one for pair in telling for one in (pair.chosen, pair.rejected)]
        if not sequences:
            continue
        counts["trained"] += sum(one.trained for one in sequences)
        counts["truncated"] += sum(one.truncated for one in sequences)
        counts["bytes"] += sum(one.bytes for one in sequences)
        offsets = end + np.cumsum([len(one.tokens) for one in sequences], dtype=np.int64)
        end = int(offsets[-1])
        yield {
            "tokens": np.concatenate([one.tokens for one in sequences]),
            "weights": np.concatenate([one.weights for one in sequences]),
            "offsets": offsets,
        }
    yield {"counts": np.array([counts[name] for name in COUNTS], np.int64)}


def render_pairs(
    rows: Iterable[Row], tokenizer: Tokenizer, options: PairOptions
) -> Iterator[list[RenderedPair]]:
    """The pairs rendered, in blocks; both answers of a row follow the same tokens."""
    source = iter(rows)
    while block := list(islice(source, ROWS_AT_A_TIME)):
        parts = [part for row in block for part in _segments(row, tokenizer, options)]
        pieces = iter(tokenizer.encode([part.text for example in parts for part in example]))
        made = [
            assemble(example, list(islice(pieces, len(example))), tokenizer, options.max_length)
            for example in parts
        ]
        yield [RenderedPair(*two) for two in zip(made[::2], made[1::2], strict=True)]


def _segments(
    row: Row, tokenizer: Tokenizer, options: PairOptions
) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    pair = read_preference(row, options.format)
    try:
        chosen = segments(pair.chosen, tokenizer, "last_assistant")
        return chosen, segments(pair.rejected, tokenizer, "last_assistant")
    except RenderError as cause:
        raise DataError(str(cause), uri=row.uri, row=row.number, help=cause.help) from cause
