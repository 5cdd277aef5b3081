"""How the flat tokens of a batch are laid out for the model; attention.py works on these layouts.

The model always sees one row, (1, T). Everything in a transformer but attention works on single
tokens, so a row of many documents costs no padding there; attention alone needs documents apart:

- *dense*: each document takes L places, the longest one's length. Attention sees (N, L) by a view,
  without a copy. Padding follows its document, so under a causal mask no token sees it.
- *ragged*: documents follow each other without padding, the longest first. Attention takes those
  of like length together: it copies their queries, keys and values into (n, L) and its output
  back, which is cheap next to multiplying padding by every weight. A beginning that documents share
  is in the row once; keys and values of those that have it elsewhere are gathered from there.

Both are exact per document, with positions that start again in each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from kitchen.runtime.adapters.torch.beginnings import Beginnings
from kitchen.runtime.values import Batch

DENSE_FROM = 0.97  #: share of places that hold a token from which dense is the faster layout
LIKE = 0.6  #: attention takes documents together that are at least this share of the longest


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Documents that attention takes together: the places they have in the row, from `first`.

    `grid` gives each place's index in (documents, longest); None where the places are that grid.
    Documents whose beginning is elsewhere have `sources` (documents, B + longest), the place in the
    whole row that each key and value comes from, beginnings of at most B tokens before the others;
    and `seen` (documents or 1, 1, longest, B + longest), which of them each query looks at.
    """

    first: int
    size: int
    documents: int
    longest: int
    grid: torch.Tensor | None = None
    sources: torch.Tensor | None = None
    seen: torch.Tensor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Tokens as the model takes them, and where each token of the batch went.

    ids, positions (1, T); `places` (tokens,) gives each token's index in that row, several tokens
    the same one where documents share a beginning. The groups follow each other and fill the row.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    places: torch.Tensor
    groups: tuple[Group, ...]
    dense: bool
    shared: bool = False

    @property
    def width(self) -> int:
        """Places in the row, padding included."""
        return self.ids.shape[1]


def lay_out(
    batch: Batch,
    device: torch.device,
    *,
    padded: bool = False,
    beginnings: Beginnings | None = None,
) -> Layout:
    """Choose the faster layout for a batch and bring its tokens into it; `padded`: dense."""
    lengths = np.diff(batch.offsets)
    area = lengths.size * int(lengths.max(initial=0))
    if padded or (beginnings is None and batch.tokens.size >= DENSE_FROM * area):
        return _dense(batch, lengths, device)
    return _ragged(batch, lengths, beginnings, device)


def _dense(batch: Batch, lengths: np.ndarray, device: torch.device) -> Layout:
    longest = int(lengths.max(initial=0))
    area = lengths.size * longest
    ids, places = np.zeros(area, np.int64), _grid(lengths, longest)
    ids[places] = batch.tokens
    return Layout(
        ids=_tensor(ids, device)[None],
        positions=_tensor(np.tile(np.arange(longest), lengths.size), device)[None],
        places=_tensor(places, device),
        groups=(Group(0, area, lengths.size, longest),),
        dense=True,
    )


def _ragged(
    batch: Batch, lengths: np.ndarray, beginnings: Beginnings | None, device: torch.device
) -> Layout:
    within = _within(lengths)
    shared = np.zeros_like(lengths) if beginnings is None else beginnings.lengths
    own = lengths - shared
    order = np.lexsort((-own, shared > 0))
    starts = np.empty_like(lengths)
    starts[order] = np.cumsum(own[order]) - own[order]
    places = np.repeat(starts - shared, lengths) + within
    if beginnings is not None:
        elsewhere = within < np.repeat(shared, lengths)
        places[elsewhere] = (np.repeat(starts[beginnings.owners], lengths) + within)[elsewhere]
    width = int(own.sum())
    ids, positions = np.empty(width, np.int64), np.empty(width, np.int64)
    ids[places], positions[places] = batch.tokens, within
    parts = np.split(places, batch.offsets[1:-1])
    return Layout(
        ids=_tensor(ids, device)[None],
        positions=_tensor(positions, device)[None],
        places=_tensor(places, device),
        groups=tuple(_groups(own[order], shared[order], [parts[i] for i in order], device)),
        dense=False,
        shared=beginnings is not None,
    )


def _groups(
    own: np.ndarray, shared: np.ndarray, places: list[np.ndarray], device: torch.device
) -> Iterator[Group]:
    """Documents of like length; those that share come last, and either kind in falling order."""
    first = place = 0
    alone = int((shared == 0).sum())
    while first < own.size:
        longest, last = int(own[first]), alone if first < alone else own.size
        if longest == 0:  # nothing of its own: all of it is elsewhere
            first = last
            continue
        end = first + int(np.searchsorted(-own[first:last], -LIKE * longest, side="right"))
        sizes, begun = own[first:end], shared[first:end]
        size, count = int(sizes.sum()), end - first
        sources = seen = None
        if first >= alone:
            sources = _tensor(_sources(begun, longest, places[first:end]), device)
            seen = torch.from_numpy(_seen(begun, longest)).to(device)
        even = size == count * longest
        grid = None if even else _tensor(_grid(sizes, longest), device)
        yield Group(place, size, count, longest, grid, sources, seen)
        first, place = end, place + size


def _sources(begun: np.ndarray, longest: int, places: list[np.ndarray]) -> np.ndarray:
    """Where keys and values come from (n, B + L), each beginning set right before what follows."""
    most = int(begun.max())
    sources = np.zeros((begun.size, most + longest), np.int64)  # nothing sees what is left at 0
    for row, before, document in zip(sources, begun.tolist(), places, strict=True):
        row[most - before :][: document.size] = document
    return sources


def _seen(begun: np.ndarray, longest: int) -> np.ndarray:
    """What each query looks at (n or 1, 1, L, B + L): its document, up to itself."""
    most = int(begun.max())
    columns = np.arange(most + longest)
    until = columns <= most + np.arange(longest)[:, None]
    since = columns >= most - (begun[:1] if (begun == most).all() else begun)[:, None]
    seen: np.ndarray = since[:, None, None] & until
    return seen


def _grid(lengths: np.ndarray, longest: int) -> np.ndarray:
    """The index of each token in (documents, longest)."""
    index: np.ndarray = np.repeat(np.arange(lengths.size) * longest, lengths) + _within(lengths)
    return index


def _within(lengths: np.ndarray) -> np.ndarray:
    """The index of each token in its document."""
    index: np.ndarray = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return index


def _tensor(array: np.ndarray, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.int64)).to(device)
