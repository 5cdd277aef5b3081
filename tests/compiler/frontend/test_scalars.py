"""Plain scalars by YAML 1.2 core: the table of the specification, and what is refused."""

from __future__ import annotations

import math
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitchen.compiler.frontend.reader import read
from kitchen.compiler.frontend.scalars import ScalarError, is_text, resolve
from kitchen.compiler.frontend.syntax import Scalar
from kitchen.ir.source import Source

CORE = {
    # null
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "nULL": "nULL",
    "None": "None",
    # bool
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    "tRUE": "tRUE",
    "yes": "yes",
    "NO": "NO",
    "on": "on",
    "Off": "Off",
    "y": "y",
    # int
    "0": 0,
    "-0": 0,
    "+12": 12,
    "-19": -19,
    "0755": 755,
    "00": 0,
    "0o17": 15,
    "0o8": "0o8",
    "0x3A": 58,
    "0XFF": "0XFF",
    "0b101": "0b101",
    "-0x1": "-0x1",
    "1_000": "1_000",
    "1,000": "1,000",
    "22:22": "22:22",
    "9223372036854775807": 2**63 - 1,
    "-9223372036854775807": -(2**63) + 1,
    "0000000000000000000000000000000000000000000000000000000000000000000000001": 1,
    # float
    "0.": 0.0,
    "-0.0": -0.0,
    ".5": 0.5,
    "+12e03": 12000.0,
    "-2E+05": -200000.0,
    "1e-4": 1e-4,
    "3E-4": 3e-4,
    "12.": 12.0,
    ".": ".",
    "1e": "1e",
    "e5": "e5",
    "1.2.3": "1.2.3",
    "1e-400": 0.0,
    # str
    "-": "-",
    "+": "+",
    "2024-01-01": "2024-01-01",
    "inf": "inf",
    "nan": "nan",
    "Infinity": "Infinity",
    "١٢": "١٢",
    "tiny": "tiny",
    "0 5": "0 5",
}


@pytest.mark.parametrize("text", CORE)
def test_core_schema(text: str):
    value = resolve(text)
    assert (type(value), value) == (type(CORE[text]), CORE[text])
    assert is_text(text) is isinstance(CORE[text], str)


BEYOND = [".inf", "-.INF", "+.Inf", ".nan", ".NaN", "1e400", "-1e999", "9223372036854775808"]
BEYOND += ["-9223372036854775808", "0x8000000000000000", "0o7777777777777777777777", "9" * 100_000]


@pytest.mark.parametrize("text", BEYOND, ids=lambda text: text[:24])
def test_numbers_that_cannot_be_held(text: str, golden):
    with pytest.raises(ScalarError) as raised:
        resolve(text)
    assert f"{raised.value.message}\n{raised.value.help}\n" == golden
    assert not is_text(text)


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_integers_round_trip(number: int):
    assert resolve(str(number)) == number
    if number >= 0:
        assert resolve(hex(number)) == resolve(oct(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_round_trip(number: float):
    back = resolve(repr(number))
    assert isinstance(back, float)
    assert (back, math.copysign(1, back)) == (number, math.copysign(1, number))


@given(st.text())
def test_any_text_is_a_value_or_is_refused_in_words(text: str):
    value = None
    with suppress(ScalarError):
        value = resolve(text)
    assert isinstance(value, (str, int, float, type(None)))


@given(st.from_regex(re.compile(r"[-+.0-9eExo_a-f:]{1,12}"), fullmatch=True))
def test_what_is_a_number_is_one_in_python_too(text: str):
    try:
        value = resolve(text)
    except ScalarError:
        return
    if isinstance(value, float):
        assert value == float(text)
    elif isinstance(value, int):
        radix = {"0x": 16, "0o": 8}.get(text[:2], 10)
        assert value == int(text, radix)


@pytest.mark.parametrize("text", ["1e-4", "NO", "0755", "~", "null", "true", ".nan"])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotes_make_text(text: str, quote: str):
    root, diagnostics = read(Source("recipe.yaml", f"{quote}{text}{quote}"))
    assert diagnostics == ()
    assert isinstance(root, Scalar)
    assert (root.text, root.plain) == (text, False)
