"""Rows as a probe sees them: rendered whole, with an example of what is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kitchen.runtime.formats import AUTO, Example, detect_format, read_example
from kitchen.runtime.leading import Given
from kitchen.runtime.pair_rows import PAIRS, read_preference
from kitchen.runtime.pair_tokens import PairOptions, RenderedPair, render_pairs
from kitchen.runtime.ports import Row
from kitchen.runtime.rendering import Rendered, TrainOn, join, marked, segments
from kitchen.runtime.stages.data import TokenizeConfig
from kitchen.runtime.tokens import RenderOptions, render_blocks

UNCUT = 2**62


@dataclass(frozen=True, slots=True, eq=False)
class Probed:
    """The first rows, each as the one sequence or the two that it becomes."""

    format: str
    detected: bool  #: the format was told from the columns
    rows: Sequence[tuple[Rendered, ...]]
    dropped: Sequence[bool]  #: whether a row would be left out
    example: str  #: the first row that is not; what is trained on stands in ⟦ ⟧
    cure: str  #: where nothing of all rows is trained on

    @property
    def sequences(self) -> list[Rendered]:
        return [one for row in self.rows for one in row]


def probed(rows: list[Row], given: Given) -> Probed:
    """Render rows as the stage would that is given them. Raises DataError as that would."""
    config = given.config
    if isinstance(config, TokenizeConfig):
        return _single(rows, given, config)
    options = PairOptions(config.format, UNCUT)
    pairs = [pair for block in render_pairs(rows, given.tokenizer, options) for pair in block]
    limit = config.max_length
    dropped = [not RenderedPair(*(_cut(one, limit) for one in _both(p))).tells for p in pairs]
    shown = _first_kept(dropped)
    preference = read_preference(rows[shown], config.format)
    sides = zip((preference.chosen, preference.rejected), _both(pairs[shown]), strict=True)
    texts = [_example(example, one, "last_assistant", given) for example, one in sides]
    return Probed(
        format=PAIRS if config.format == AUTO else f"{PAIRS} of {config.format}",
        detected=False,
        rows=[_both(pair) for pair in pairs],
        dropped=dropped,
        example=f"chosen:\n{texts[0]}\nrejected:\n{texts[1]}",
        cure="write answers under `chosen` and `rejected`",
    )


def _single(rows: list[Row], given: Given, config: TokenizeConfig) -> Probed:
    format_ = detect_format(rows[0]) if config.format == AUTO else config.format
    options = RenderOptions(format_, config.train_on, UNCUT)
    blocks = render_blocks(rows, given.tokenizer, options)
    rendered = [one for block in blocks for one in block]
    dropped = [not one.weights[: config.max_length].any() for one in rendered]
    shown = _first_kept(dropped)
    example = read_example(rows[shown], format_)
    return Probed(
        format=format_,
        detected=config.format != format_,
        rows=[(one,) for one in rendered],
        dropped=dropped,
        example=_example(example, rendered[shown], config.train_on, given),
        cure="a conversation is trained on what its `assistant` says; `all` takes everything",
    )


def _both(pair: RenderedPair) -> tuple[Rendered, Rendered]:
    return pair.chosen, pair.rejected


def _cut(one: Rendered, limit: int) -> Rendered:
    return Rendered(one.tokens[:limit], one.weights[:limit], len(one.tokens) > limit, one.bytes)


def _first_kept(dropped: list[bool]) -> int:
    return int(np.argmin(dropped))


def _example(example: Example, rendered: Rendered, train_on: TrainOn, given: Given) -> str:
    """The row as it would be trained on; all of its text where nothing of it is."""
    tokenizer, limit = given.tokenizer, given.config.max_length
    tokens, weights = rendered.tokens, rendered.weights
    if not rendered.trained:
        parts = segments(example, tokenizer, train_on)
        tokens, weights = join(parts, tokenizer.encode([part.text for part in parts]), tokenizer)
    return marked(tokens[:limit], weights[:limit], tokenizer)
