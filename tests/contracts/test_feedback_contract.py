"""What every `feedback` adapter promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kitchen.runtime.plugins import adapters
from kitchen.runtime.ports import FeedbackStore, Judgement, Workspace

FIRST = '{"prompt": "Hi", "response": "Go", "rating": 0}'
SETTINGS: dict[str, dict[str, object]] = {"files": {"path": "feedback.jsonl"}, "noop": {}}

MORE = [
    Judgement(prompt="ä\n\u2028?", response="no", rating=0.25, time="2026-03-01T12:00:00+00:00"),
    Judgement(prompt="b", response="yes", correction="Yes, it is."),
    Judgement(prompt="b", response="yes", rating=1.0, correction='"'),
]


def make(name: str, folder: Path) -> FeedbackStore:
    path = folder / "feedback.jsonl"
    if not path.exists():
        path.write_text(FIRST)  # and no line end
    workspace = Workspace(folder, folder / "cache", folder / "run")
    made: FeedbackStore = adapters()["feedback"][name].bind(SETTINGS[name], workspace)
    return made


@pytest.fixture(params=SETTINGS)
def feedback(request: pytest.FixtureRequest, tmp_path: Path) -> FeedbackStore:
    return make(request.param, tmp_path)


def test_every_adapter_is_held_to_the_contract() -> None:
    assert set(SETTINGS) == set(adapters()["feedback"])


def test_judgements_come_in_order_again_and_again(feedback: FeedbackStore) -> None:
    found = list(feedback.judgements())
    assert found == list(feedback.judgements())
    assert all(one.rating is not None or one.correction is not None for one in found)


def test_what_is_added_comes_last_and_nothing_else_changes(feedback: FeedbackStore) -> None:
    before = list(feedback.judgements())
    feedback.add(MORE[:2])
    feedback.add([])
    feedback.add(iter(MORE[2:]))
    assert list(feedback.judgements()) == [*before, *MORE]


def test_judgements_are_read_as_they_are_asked_for(feedback: FeedbackStore) -> None:
    found = feedback.judgements()
    assert iter(found) is found
    assert next(found) == next(feedback.judgements())


def test_judgements_are_added_all_or_none(feedback: FeedbackStore) -> None:
    before = list(feedback.judgements())

    def breaks_off() -> Iterator[Judgement]:
        yield MORE[0]
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        feedback.add(breaks_off())
    assert list(feedback.judgements()) == before


def test_another_store_reads_what_a_file_was_given(tmp_path: Path) -> None:
    make("files", tmp_path).add(MORE)
    assert list(make("files", tmp_path).judgements())[1:] == MORE
