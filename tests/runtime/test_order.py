"""Shuffles and selections that are functions of seeds and indices."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitchen.runtime.order import cut, permutation, random_words, selected, selected_count
from kitchen.runtime.values import Dataset


def test_the_words_are_those_of_splitmix64() -> None:
    """The reference implementation's first words for the state 0 (Vigna, splitmix64.c)."""
    words = random_words(np.arange(3))
    assert [f"{word:016x}" for word in words.tolist()] == [
        "e220a8397b1dcdaf",
        "6e789e6aa1b965f4",
        "06c45d188009454f",
    ]


def test_an_order_stays_what_it_was() -> None:
    assert permutation(10, 1, 2, 3).tolist() == [5, 0, 7, 3, 6, 1, 8, 9, 4, 2]


@given(st.integers(0, 300), st.integers(0, 2**63), st.integers(0, 9))
def test_a_permutation_has_each_index_once(length: int, seed: int, epoch: int) -> None:
    assert sorted(permutation(length, seed, epoch).tolist()) == list(range(length))


def test_seeds_and_epochs_give_other_orders() -> None:
    orders = {tuple(permutation(50, seed, epoch)) for seed in range(9) for epoch in range(9)}
    assert len(orders) == 81


def test_a_word_does_not_depend_on_the_others_asked_for() -> None:
    assert random_words(np.array([7]), 5)[0] == random_words(np.arange(10), 5)[7]


@given(st.integers(2, 500), st.floats(0.001, 0.999), st.integers(0, 2**40))
def test_a_share_of_few_rows_is_counted_out(rows: int, fraction: float, seed: int) -> None:
    bound = cut(rows, fraction, seed)
    held_out = Dataset("", "", rows, keep=(bound, 1.0), seed=seed)
    kept = Dataset("", "", rows, keep=(0.0, bound), seed=seed)
    expected = min(max(round(fraction * rows), 1), rows - 1)
    assert selected_count(held_out, rows) == expected
    in_one, in_other = (list(islice(selected(part), rows)) for part in (held_out, kept))
    assert all(one != other for one, other in zip(in_one, in_other, strict=True))


def test_a_share_of_very_many_rows_is_close_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kitchen.runtime.order.EXACT", 100)
    assert cut(10_000, 0.1, 0) == 0.9
    part = Dataset("", "", 10_000, keep=(0.9, 1.0))
    assert 900 < selected_count(part, 10_000) < 1100


def test_the_whole_of_a_data_set_is_selected() -> None:
    assert all(islice(selected(Dataset("", "", 9)), 9))
