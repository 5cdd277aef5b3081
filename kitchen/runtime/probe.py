"""`kitchen compile --probe`: what training would see, told from the first rows of the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from kitchen.ir.diagnostic import Diagnostic, Label
from kitchen.ir.program import Program, Stage
from kitchen.ir.walk import walk
from kitchen.runtime.leading import Given, Leading, LeadingError, UnknownError
from kitchen.runtime.ports import AdapterError, DataError, Row

if TYPE_CHECKING:
    from kitchen.runtime.rendering import Rendered

QUANTILES = (0.0, 0.5, 0.9, 0.99, 1.0)
UNCUT = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """What training would see. `lengths` are in tokens, before any is cut off."""

    source: str
    rows: int  #: in the data set that is trained on
    read: int  #: how many of them were looked at
    format: str
    detected: bool  #: the format was told from the columns
    example: str  #: the first row that is trained on; what is trained on stands in ⟦ ⟧
    max_length: int
    trained_share: float  #: of the tokens of the rows looked at
    truncated_share: float  #: of these rows
    dropped_share: float  #: of these rows: no token of theirs is trained on
    lengths: Mapping[float, int]  #: by quantile


def probe(
    program: Program, ports: Mapping[str, object], *, rows: int = 64
) -> tuple[ProbeReport | None, tuple[Diagnostic, ...]]:
    """Look at the first rows that the first live `tokenize` of a program would read.

    The report is None where there is no such stage, where only a run can know what it reads, and
    where the data cannot be read; a diagnostic then says why.
    """
    leading = Leading(program, ports)
    for op in walk(program.body):
        if isinstance(op, Stage) and op.stage == "tokenize":
            try:
                return _look(program, leading.given(op), rows)
            except UnknownError:
                continue
            except LeadingError as failure:
                return None, (_unreadable(program, failure),)
    return None, ()


def _look(
    program: Program, given: Given, count: int
) -> tuple[ProbeReport | None, tuple[Diagnostic, ...]]:
    from kitchen.runtime.formats import AUTO, detect_format
    from kitchen.runtime.tokens import RenderOptions, render_blocks

    config, dataset = given.config, given.dataset
    try:
        rows = list(islice(given.datasets.rows(dataset), count))
        if not rows:
            return None, (_empty(program, given),)
        format_ = detect_format(rows[0]) if config.format == AUTO else config.format
        options = RenderOptions(format_, config.train_on, UNCUT)
        blocks = list(render_blocks(rows, given.tokenizer, options))
    except DataError as cause:
        raise LeadingError(given.op, cause, ("source", dataset.uri)) from cause
    rendered = [one for block in blocks for one in block]
    return _report(given, format_, rows, rendered), tuple(_faults(program, given, rendered))


def _report(given: Given, format_: str, rows: list[Row], rendered: list[Rendered]) -> ProbeReport:
    import numpy as np

    config = given.config
    lengths = np.array([len(one.tokens) for one in rendered])
    kept = np.minimum(lengths, config.max_length)
    trained = np.array([np.count_nonzero(one.weights[: config.max_length]) for one in rendered])
    shown = int(np.argmax(trained > 0))
    return ProbeReport(
        source=given.dataset.uri,
        rows=given.dataset.rows,
        read=len(rows),
        format=format_,
        detected=config.format != format_,
        example=_example(rows[shown], rendered[shown], format_, given),
        max_length=config.max_length,
        trained_share=float(trained.sum() / max(kept.sum(), 1)),
        truncated_share=float((lengths > config.max_length).mean()),
        dropped_share=float((trained == 0).mean()),
        lengths={at: int(np.quantile(lengths, at, method="higher")) for at in QUANTILES},
    )


def _example(row: Row, rendered: Rendered, format_: str, given: Given) -> str:
    """The row as it would be trained on; all of its text where nothing of it is."""
    from kitchen.runtime.formats import read_example
    from kitchen.runtime.rendering import join, marked, segments

    tokenizer, limit = given.tokenizer, given.config.max_length
    tokens, weights = rendered.tokens, rendered.weights
    if not rendered.trained:
        parts = segments(read_example(row, format_), tokenizer, given.config.train_on)
        tokens, weights = join(parts, tokenizer.encode([part.text for part in parts]), tokenizer)
    return marked(tokens[:limit], weights[:limit], tokenizer)


def _faults(program: Program, given: Given, rendered: list[Rendered]) -> Iterator[Diagnostic]:
    """What makes training on these rows pointless, or not what was meant."""
    config, first = given.config, f"the first {len(rendered)} rows"
    longest = f"the longest of them has {max(len(one.tokens) for one in rendered)} tokens"
    cut = [(one.tokens[: config.max_length], one.weights[: config.max_length]) for one in rendered]
    if not any(one.trained for one in rendered):
        yield Diagnostic(
            "K603",
            f"nothing of {first} is trained on",
            _label(program, given.op, "train_on", config.train_on),
            help="a conversation is trained on what its `assistant` says; `all` takes everything",
        )
    elif not any(weights.any() for _, weights in cut):
        yield Diagnostic(
            "K604",
            f"cut to {config.max_length} tokens, {first} have no token left to train on",
            _label(program, given.op, "max_length", config.max_length),
            help=f"raise `max_length`: {longest}",
        )
    elif not any(weights[tokens == given.tokenizer.eos_id].any() for tokens, weights in cut):
        yield Diagnostic(
            "K605",
            f"cut to {config.max_length} tokens, {first} lose their end, and the model learns none",
            _label(program, given.op, "max_length", config.max_length),
            help=f"raise `max_length`: {longest}",
        )
    begin = given.tokenizer.bos_id
    twice = sum(begin == tokens[0] == tokens[1] for tokens, _ in cut if len(tokens) > 1)
    if twice and begin != given.tokenizer.eos_id:
        yield Diagnostic(
            "K606",
            f"{twice} of {first} begin with two tokens that begin a sequence",
            _label(program, given.op, "source", given.dataset.uri),
            help="take the beginning-of-sequence token out of the data, or out of the template",
        )


def _empty(program: Program, given: Given) -> Diagnostic:
    return Diagnostic(
        "K602",
        f"`{given.dataset.uri}` has no rows to train on",
        _label(program, given.op, "source", given.dataset.uri),
        help="add rows, or hold out fewer",
    )


def _unreadable(program: Program, failure: LeadingError) -> Diagnostic:
    op, cause = failure.op, failure.cause
    label = _label(program, op, *failure.setting)
    if isinstance(cause, AdapterError):
        return Diagnostic("K607", str(cause), label, help=cause.help or None)
    return Diagnostic("K601", str(cause), label, help=cause.help or None)


def _label(program: Program, op: Stage, setting: str, value: object) -> Label | None:
    """Where a person gave a stage its setting: the parameter that has its value, or the step."""
    same = [p for p in program.params if p.setting == value and p.span is not None]
    named = [p for p in same if p.value.name == setting]
    for parameter in named or same:
        if parameter.span is not None:
            return Label(parameter.span)
    return Label(op.span) if op.span is not None else None
