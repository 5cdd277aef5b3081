"""Annotations: that a step can be timed out, cached and tried again as it asks to be."""

from __future__ import annotations

from collections.abc import Iterator

from kitchen.compiler.checks.places import place, stages
from kitchen.ir.diagnostic import Diagnostic, Label
from kitchen.ir.program import Program, Stage
from kitchen.ir.source import Span
from kitchen.ir.spec import Effect, Registry, StageSpec
from kitchen.ir.types import Kind


def step_annotations(program: Program, registry: Registry) -> Iterator[Diagnostic]:
    """Report annotations that no run could follow, or that would change what it computes."""
    for op in stages(program):
        spec = registry.stages.get(op.stage)
        if spec is None:
            continue
        yield from _times(op)
        if op.annotations.cache:
            yield from _cache(op, spec)
        if op.annotations.retry is not None and spec.mutated:
            updated = spec.mutated[0].name
            yield Diagnostic(
                "K414",
                f"`{op.stage}` updates `{updated}` and cannot be tried again",
                _at(op, "retry", f"a failed try may have changed `{updated}` already"),
                help="take `retry:` off this step; a run that failed is resumed from its "
                "last checkpoint",
            )


def _times(op: Stage) -> Iterator[Diagnostic]:
    retry, timeout = op.annotations.retry, op.annotations.timeout
    if timeout is not None and timeout <= 0:
        yield Diagnostic(
            "K411",
            f"`{op.stage}` has {timeout:g} seconds to run in",
            _at(op, "timeout", "no time at all"),
            help="give it a time above zero, or take `timeout:` away",
        )
    if retry is not None and (retry.times < 1 or retry.backoff < 0):
        yield Diagnostic(
            "K411",
            f"`{op.stage}` is tried again {retry.times} times, {retry.backoff:g} seconds apart",
            _at(op, "retry", "cannot be followed"),
            help="`times` is at least 1 and `backoff` at least 0",
        )
    elif retry is not None and retry.max_backoff < retry.backoff:
        yield Diagnostic(
            "K411",
            f"`{op.stage}` waits at most {retry.max_backoff:g} seconds between tries, "
            f"and at first {retry.backoff:g}",
            _at(op, "retry", "the first wait is longer than the longest"),
            help="make `max_backoff` at least as long as `backoff`",
        )


def _cache(op: Stage, spec: StageSpec) -> Iterator[Diagnostic]:
    handle = next((value for value in op.outputs if value.type.kind is Kind.HANDLE), None)
    if spec.effect is Effect.WRITES:
        message = f"`{op.stage}` writes and cannot be cached"
        label = "a cached step would not write"
    elif handle is not None:
        message = f"`{op.stage}` gives a `{handle.type}`, which cannot be cached"
        label = f"a `{handle.type}` lives in one process"
    else:
        return
    help = "take `cache:` off this step, or put it on the steps that it reads from"
    yield Diagnostic("K413", message, _at(op, "cache", label), help=help)


def _at(op: Stage, key: str, text: str) -> Label | None:
    """The annotation, which stands in the same step as the stage's name; else that name."""
    if op.span is None:
        return None
    source, start = op.span.source, op.span.end
    end = source.text.find("stage:", start)
    at = source.text.find(f"{key}:", start, len(source.text) if end < 0 else end)
    return place(op.span if at < 0 else Span(source, at, at + len(key)), text)
