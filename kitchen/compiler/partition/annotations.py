"""What a task asks of an engine, from what its stages ask.

- resources: of each the maximum, for stages of one task run one after the other
- image: the one that is given; two that differ cannot be had in one process
- retry: that of all, if all have one (the most patient of each number); a task of which a part
  must not be repeated is not repeated
- timeout: the sum, if every stage has one and runs once; else none, and each stage keeps its own
- cache: what all say
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from kitchen.ir.diagnostic import Diagnostic, Label
from kitchen.ir.program import Annotations, Branch, Op, Region, Resources, Retry, Stage
from kitchen.ir.walk import regions

_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15,
          "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50}  # fmt: skip


def merged(stages: Sequence[Stage], *, once: bool = True) -> Annotations:
    """The annotations of a task; `once` says that each of its stages runs once."""
    notes = [stage.annotations for stage in stages]
    timeouts = [note.timeout for note in notes if note.timeout is not None]
    retries = [note.retry for note in notes if note.retry is not None]
    bounded = once and len(timeouts) == len(notes) > 0 and len(retries) in (0, len(notes))
    caches = {note.cache for note in notes}
    return Annotations(
        retry=_most_patient(retries) if len(retries) == len(notes) > 0 else None,
        timeout=sum(timeouts) if bounded else None,
        resources=_maximum([note.resources for note in notes if note.resources is not None]),
        cache=caches.pop() if len(caches) == 1 else None,
        image=next((note.image for note in notes if note.image is not None), None),
    )


def _most_patient(retries: Iterable[Retry]) -> Retry:
    given = list(retries)
    return Retry(
        times=max(retry.times for retry in given),
        backoff=max(retry.backoff for retry in given),
        max_backoff=max(retry.max_backoff for retry in given),
    )


def _maximum(asked: Sequence[Resources]) -> Resources | None:
    if not asked:
        return None
    memories = [each.memory for each in asked if each.memory is not None]
    return Resources(
        cpu=max((each.cpu for each in asked if each.cpu is not None), default=None),
        memory=max(memories, key=amount, default=None),
        gpu=max((each.gpu for each in asked if each.gpu is not None), default=None),
        nodes=max((each.nodes for each in asked if each.nodes is not None), default=None),
    )


def amount(memory: str) -> float:
    """A quantity of memory as Kubernetes writes it, in bytes.

    >>> amount("1.5Gi") > amount("1600M") > amount("512Mi")
    True
    """
    match = re.fullmatch(r"([0-9.]+)\s*([A-Za-z]*?)B?", memory.strip())
    return float(match[1]) * _UNITS.get(match[2], 1) if match else 0.0


def each_once(ops: Iterable[Op]) -> bool:
    """Whether every stage in some ops runs at most once."""
    return all(
        isinstance(op, Stage) or (isinstance(op, Branch) and all(map(_once, regions(op))))
        for op in ops
    )


def _once(region: Region) -> bool:
    return each_once(region.ops)


def torn(stages: Iterable[Stage]) -> Diagnostic | None:
    """The fault of two stages that must be in one task and ask for different images."""
    first: Stage | None = None
    for stage in stages:
        image = stage.annotations.image
        if image is None:
            continue
        if first is None:
            first = stage
        elif first.annotations.image != image:
            return _two_images(first, stage)
    return None


def _two_images(first: Stage, second: Stage) -> Diagnostic:
    places = [
        Label(stage.span, f"`{stage.annotations.image}`")
        for stage in (second, first)
        if stage.span is not None
    ]
    return Diagnostic(
        "K501",
        f"`{first.name}` and `{second.name}` have to run in one task, but in different images",
        primary=places[0] if places else None,
        secondary=tuple(places[1:]),
        help="give both the same `image:`, or let what they share travel as an artifact",
    )
