"""Schedules: what is read, and what no two engines read alike."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitchen.compiler.frontend.cron import DESCRIPTORS, CronError, cron_of


@pytest.mark.parametrize(
    "text",
    [
        "0 3 * * *",
        "*/15 8-18 * * mon-fri",
        "0,30 0 1,15 1-6/2 *",
        "59 23 31 12 6",
        "0 0 31 2 SUN",
        "0 0 29 FEB *",
    ],
)
def test_five_fields_are_kept_as_written(text: str) -> None:
    assert cron_of(text) == text
    assert cron_of(f"  {text.replace(' ', '   ')} ") == text


def test_words_are_written_out() -> None:
    assert cron_of("@Daily") == "0 0 * * *"
    assert all(len(cron_of(word).split()) == 5 for word in DESCRIPTORS)


@pytest.mark.parametrize(
    ("text", "part", "message"),
    [
        ("", "", "a schedule has five fields, this one has 0"),
        ("* * * *", "* * * *", "a schedule has five fields, this one has 4"),
        ("@fortnightly", "@fortnightly", "there is no such time"),
        ("60 * * * *", "60", "`60` is no minute"),
        ("0 0 0 * *", "0", "`0` is no day of the month"),
        ("0 0 * * 1,7", "7", "`7` is no day of the week"),
        ("0 0 * * fri-mon", "fri-mon", "`fri-mon` ends before it begins"),
        ("5/10 * * * *", "5/10", "`5/10` is read in two ways by different engines"),
        ("*/0 * * * *", "*/0", "`0` is no step"),
        ("1,,2 * * * *", ",", "no minute stands here"),
        ("\u0663 * * * *", "\u0663", "`\u0663` is no minute"),
        ("0 0 30 2 *", "30 2", "day 30 does not come in the months that are named"),
        ("0 0 L * *", "L", "`L` is no day of the month"),
        ("0 0 ? * 1", "?", "`?` is no day of the month"),
    ],
)
def test_what_is_refused_is_pointed_at(text: str, part: str, message: str) -> None:
    with pytest.raises(CronError) as caught:
        cron_of(text)
    assert (text[caught.value.start : caught.value.end], caught.value.message) == (part, message)
    assert caught.value.help


@given(st.text(st.sampled_from("0123456789*/,- @#LW?mon\u0664\n"), max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(CronError):
        assert len(cron_of(text).split(" ")) == 5
