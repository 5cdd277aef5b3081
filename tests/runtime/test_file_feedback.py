"""Lines of feedback as people write them, and what is said of those that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kitchen.runtime.adapters.files import FeedbackConfig
from kitchen.runtime.adapters.files.feedback import FileFeedback
from kitchen.runtime.ports import DataError, Judgement, Workspace


def store(folder: Path, *lines: object, **config: Any) -> FileFeedback:
    path = folder / "feedback.jsonl"
    written = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("".join(f"{line}\n" for line in written))
    return FileFeedback(FeedbackConfig(path=path.name, **config), Workspace(folder, folder))


SAID = {"prompt": "p", "response": "r"}


@pytest.mark.parametrize(
    ("config", "rating", "share"),
    [
        ({}, 0, 0.0),
        ({}, True, 1.0),
        ({}, 0.25, 0.25),
        ({"worst": 1, "best": 5}, 2, 0.25),
        ({"worst": -1, "best": 1}, -1, 0.0),
        ({"worst": 6, "best": 1}, 1, 1.0),  # school marks
    ],
)
def test_ratings_are_brought_to_one_scale(
    config: dict[str, float], rating: float, share: float, tmp_path: Path
) -> None:
    feedback = store(tmp_path, SAID | {"rating": rating}, **config)
    assert [one.rating for one in feedback.judgements()] == [share]


def test_a_rating_that_is_added_is_on_the_scale_of_the_file(tmp_path: Path) -> None:
    feedback = store(tmp_path, worst=1, best=5)
    feedback.add([Judgement(prompt="p", response="r", rating=0.25)])
    assert json.loads((tmp_path / "feedback.jsonl").read_text()) == SAID | {"rating": 2.0}


def test_other_fields_are_left_alone(tmp_path: Path) -> None:
    feedback = store(tmp_path, SAID | {"correction": "c", "user": 7})
    assert next(feedback.judgements()).correction == "c"
    feedback.add([])
    assert json.loads((tmp_path / "feedback.jsonl").read_text())["user"] == 7


FAULTS: dict[str, tuple[object, dict[str, float]]] = {
    "no judgement": (SAID, {}),
    "no prompt": ({"response": "r", "rating": 1}, {}),
    "no text": ({"prompt": " ", "response": "r", "rating": 1}, {}),
    "a number for a text": (SAID | {"correction": 7}, {}),
    "a word for a rating": (SAID | {"rating": "good"}, {}),
    "a rating off the scale": (SAID | {"rating": 5}, {}),
    "a time that is none": (SAID | {"rating": 1, "time": "yesterday"}, {}),
    "no JSON": ("prompt: p", {}),
    "a scale without a length": (SAID, {"worst": 1, "best": 1}),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_is_said(case: str, tmp_path: Path, golden: Any) -> None:
    line, config = FAULTS[case]
    with pytest.raises(DataError) as refusal:
        list(store(tmp_path, line, **config).judgements())
    assert f"{refusal.value}\nhelp: {refusal.value.help}\n" == golden


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    feedback = FileFeedback(FeedbackConfig(path="gone.jsonl"), Workspace(tmp_path, tmp_path))
    with pytest.raises(DataError, match=r"`gone\.jsonl`: there is no such file"):
        list(feedback.judgements())
    feedback.add([Judgement(prompt="p", response="r", rating=1.0)])
    assert len(list(feedback.judgements())) == 1
