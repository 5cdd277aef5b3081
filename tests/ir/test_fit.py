"""Which values a setting takes, and what is said of the others."""

from __future__ import annotations

import math

import pytest

from kitchen.ir.fit import Why, described, fits, misfit, shown
from kitchen.ir.spec import Setting
from kitchen.ir.types import BOOL, FLOAT, INT, NONE, STR, UNKNOWN, Kind, Type, list_of, optional

DATASET = Type("Dataset", Kind.ARTIFACT)
RECORD = Type("Record", fields=(("rank", INT),))


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        (1, INT),
        (1, FLOAT),
        (1.5, FLOAT),
        (True, BOOL),
        ("a", STR),
        (None, NONE),
        (None, optional(INT)),
        (3, optional(INT)),
        ([], list_of(STR)),
        (("a", "b"), list_of(STR)),
        (range(3), list_of(INT)),
        ({"rank": 1, "more": 2}, RECORD),
        ({}, Type("Record")),
        (object(), UNKNOWN),
        (["anything", 1], list_of(UNKNOWN)),
    ],
)
def test_values_that_fit(value: object, type_: Type):
    assert fits(value, type_)
    assert misfit(Setting(name="x", type=type_), value) is None


@pytest.mark.parametrize(
    ("value", "type_", "help"),
    [
        (True, INT, None),
        (1.5, INT, None),
        ("8", INT, "write it without quotes: `8`"),
        ("1e-4", FLOAT, "write it without quotes: `1e-4`"),
        ("nan", FLOAT, None),
        ("many", INT, None),
        ("true", BOOL, "write it without quotes: `true`"),
        (1, BOOL, None),
        (7, STR, 'write it in quotes: `"7"`'),
        (True, STR, 'write it in quotes: `"true"`'),
        (None, STR, None),
        ("q_proj", list_of(STR), "write a list: `[q_proj]`"),
        (["a", 1], list_of(STR), None),
        ({"rank": "a"}, RECORD, None),
        ({}, RECORD, None),
        ("rows", DATASET, None),
    ],
)
def test_values_of_another_type(value: object, type_: Type, help: str | None):
    wrong = misfit(Setting(name="x", type=type_), value)
    assert wrong is not None
    assert wrong.why is Why.TYPE
    assert wrong.wanted == described(type_)
    assert wrong.help == help


@pytest.mark.parametrize(
    ("bounds", "inside", "outside", "wanted"),
    [
        ({"minimum": 1}, 1, 0, "at least 1"),
        ({"maximum": 0.5}, 0.5, 0.51, "at most 0.5"),
        ({"above": 0}, 1e-9, 0, "above 0"),
        ({"below": 1}, 0.999, 1, "below 1"),
        ({"minimum": 0, "below": 1}, 0, 1, "at least 0 and below 1"),
    ],
)
def test_bounds(bounds: dict[str, float], inside: float, outside: float, wanted: str):
    setting = Setting(name="x", type=FLOAT, **bounds)
    assert misfit(setting, inside) is None
    found = misfit(setting, outside)
    assert found is not None
    assert (found.why, found.wanted) == (Why.RANGE, wanted)


def test_choices():
    setting = Setting(name="x", type=STR, choices=("linear", "cosine"))
    assert misfit(setting, "cosine") is None
    found = misfit(setting, "cosin")
    assert found is not None
    assert (found.why, found.help) == (Why.CHOICE, "did you mean `cosine`?")


def test_an_absent_value_has_no_range_and_no_choice():
    setting = Setting(name="x", type=optional(INT), minimum=1, choices=(1, 2))
    assert misfit(setting, None) is None


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_numbers_without_a_value_never_fit(value: float):
    for given, type_ in ((value, FLOAT), ([0.0, value], list_of(FLOAT)), ({"a": value}, UNKNOWN)):
        found = misfit(Setting(name="x", type=type_), given)
        assert found is not None
        assert found.why is Why.INFINITE


def test_long_values_are_shown_short():
    assert len(shown("x" * 1000)) < 50
