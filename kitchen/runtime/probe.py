"""`kitchen compile --probe`: what training would see, told from the first rows of the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from kitchen.ir.diagnostic import Diagnostic, Label
from kitchen.ir.program import Program, Stage
from kitchen.ir.walk import walk
from kitchen.runtime.leading import TOKENIZING, Given, Leading, LeadingError, UnknownError
from kitchen.runtime.ports import AdapterError, DataError

if TYPE_CHECKING:
    from kitchen.runtime.probed_rows import Probed
    from kitchen.runtime.rendering import Rendered

QUANTILES = (0.0, 0.5, 0.9, 0.99, 1.0)


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
    """Look at the first rows that the first live stage that tokenises would read.

    The report is None where there is no such stage, where only a run can know what it reads, and
    where the data cannot be read; a diagnostic then says why.
    """
    leading = Leading(program, ports)
    for op in walk(program.body):
        if isinstance(op, Stage) and op.stage in TOKENIZING:
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
    from kitchen.runtime.probed_rows import probed

    try:
        rows = list(islice(given.datasets.rows(given.dataset), count))
        if not rows:
            return None, (_empty(program, given),)
        seen = probed(rows, given)
    except DataError as cause:
        raise LeadingError(given.op, cause, ("source", given.dataset.uri)) from cause
    return _report(given, seen), tuple(_faults(program, given, seen))


def _report(given: Given, seen: Probed) -> ProbeReport:
    import numpy as np

    limit = given.config.max_length
    lengths = np.array([len(one.tokens) for one in seen.sequences])
    kept = np.minimum(lengths, limit)
    trained = np.array([np.count_nonzero(one.weights[:limit]) for one in seen.sequences])
    cut = [any(len(one.tokens) > limit for one in row) for row in seen.rows]
    return ProbeReport(
        source=given.dataset.uri,
        rows=given.dataset.rows,
        read=len(seen.rows),
        format=seen.format,
        detected=seen.detected,
        example=seen.example,
        max_length=limit,
        trained_share=float(trained.sum() / max(kept.sum(), 1)),
        truncated_share=float(np.mean(cut)),
        dropped_share=float(np.mean(seen.dropped)),
        lengths={at: int(np.quantile(lengths, at, method="higher")) for at in QUANTILES},
    )


def _faults(program: Program, given: Given, seen: Probed) -> Iterator[Diagnostic]:
    """What makes training on these rows pointless, or not what was meant."""
    rendered: list[Rendered] = seen.sequences
    config, first = given.config, f"the first {len(seen.rows)} rows"
    longest = f"the longest of them has {max(len(one.tokens) for one in rendered)} tokens"
    cut = [(one.tokens[: config.max_length], one.weights[: config.max_length]) for one in rendered]
    if not any(one.trained for one in rendered):
        yield Diagnostic(
            "K603",
            f"nothing of {first} is trained on",
            _label(program, given.op, "train_on", getattr(config, "train_on", None)),
            help=seen.cure,
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
