"""Documents of a batch that begin alike: what they share is computed once.

Attempts at one problem, or the two answers of a pair, come after one and the same prompt. In a
model that looks at what came before alone, the states of a prompt are the same in all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kitchen.runtime.values import Batch

WORTH = 0.1  #: share of a batch's tokens from which leaving them out is worth the gathering


@dataclass(frozen=True, slots=True, eq=False)
class Beginnings:
    """Of each document: how many of its first tokens an earlier one has, and which that is.

    lengths, owners (documents,) int64. An owner has length 0, and is its own.
    """

    lengths: np.ndarray
    owners: np.ndarray


def shared_beginnings(batch: Batch) -> Beginnings | None:
    """What documents share up to their first target that carries weight; None if that is little."""
    weights = batch.columns.get("weights")
    if weights is None:
        return None
    carries = weights != 0 if weights.ndim == 1 else (weights != 0).any(1)
    carrying = np.append(np.flatnonzero(carries), batch.tokens.size)
    starts, ends = batch.offsets[:-1], batch.offsets[1:]
    first = carrying[np.searchsorted(carrying, starts)]
    stops = np.minimum(first + 1, ends)
    lengths, owners = np.zeros_like(starts), np.arange(starts.size)
    known: dict[bytes, int] = {}
    for index, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        owner = known.setdefault(batch.tokens[start:stop].tobytes(), index)
        if owner != index:
            lengths[index], owners[index] = stop - start, owner
    return Beginnings(lengths, owners) if lengths.sum() >= WORTH * batch.tokens.size else None
