"""Order by arithmetic: what is shuffled or selected is a function of seeds and indices alone.

SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014), written
out, so that no release of a library can change an order that a run depends on.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np

from kitchen.runtime.values import Dataset

GAMMA = 0x9E3779B97F4A7C15
BLOCK = 4096
EXACT = 2**20  #: rows up to which a share is counted out


def random_words(indices: np.ndarray, *seeds: int) -> np.ndarray:
    """A random 64-bit word for each index, uint64: word i of the SplitMix64 stream of the seeds."""
    key = 0
    for seed in seeds:
        key = int(_mix(np.array([(key + GAMMA + seed) % 2**64], np.uint64))[0])
    steps = (indices.astype(np.uint64) + np.uint64(1)) * np.uint64(GAMMA)
    return _mix(steps + np.uint64(key))


def _mix(words: np.ndarray) -> np.ndarray:
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = words ^ (words >> np.uint64(31))
    return mixed


def permutation(length: int, *seeds: int) -> np.ndarray:
    """The indices below `length`, shuffled, int64."""
    return np.argsort(random_words(np.arange(length), *seeds), kind="stable")


def cut(rows: int, fraction: float, seed: int) -> float:
    """The place in [0, 1) from which on rows are held out, to hold out a share of them.

    Of a few rows it is just that share, and at least one; of very many it is close enough.
    """
    if rows > EXACT:
        return 1 - fraction
    places = np.sort(_places(np.arange(rows), seed))
    held_out = min(max(round(fraction * rows), 1), rows - 1)
    return float(places[rows - held_out])


def selected(dataset: Dataset) -> Iterator[bool]:
    """For each index from 0 on, without end, whether the data set keeps that row."""
    for start in count(0, BLOCK):
        yield from _selection(dataset, np.arange(start, start + BLOCK)).tolist()


def selected_count(dataset: Dataset, rows: int) -> int:
    """How many of the first `rows` rows of its source the data set keeps."""
    starts = range(0, rows, BLOCK)
    blocks = (np.arange(start, min(start + BLOCK, rows)) for start in starts)
    return sum(int(_selection(dataset, block).sum()) for block in blocks)


def _selection(dataset: Dataset, indices: np.ndarray) -> np.ndarray:
    if dataset.keep is None:
        return np.ones(len(indices), bool)
    low, high = dataset.keep
    places = _places(indices, dataset.seed)
    chosen: np.ndarray = (low <= places) & (places < high)
    return chosen


def _places(indices: np.ndarray, seed: int) -> np.ndarray:
    """A random number in [0, 1) for each index."""
    places: np.ndarray = (random_words(indices, seed) >> np.uint64(11)) * 2.0**-53
    return places
