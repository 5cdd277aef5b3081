"""When feedback asks for training, and what is learnt from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitchen.runtime.adapter import NoConfig
from kitchen.runtime.adapters.noop.datasets import NoopDatasets
from kitchen.runtime.adapters.noop.feedback import NoopFeedback
from kitchen.runtime.ports import DataError, Judgement, ModelVersion, Workspace
from kitchen.runtime.stages.feedback import (
    CheckFeedbackConfig,
    CurateFeedbackConfig,
    FeedbackCheck,
    check_feedback,
    curate_feedback,
)


def judged(prompt: str, rating: float | None = None, correction: str | None = None) -> Judgement:
    return Judgement(prompt=prompt, response=f"re {prompt}", rating=rating, correction=correction)


def store(folder: Path, judgements: list[Judgement]) -> NoopFeedback:
    made = NoopFeedback(NoConfig(), Workspace(folder, folder))
    made.kept = list(judgements)
    return made


def check(
    folder: Path, judgements: list[Judgement], *, seen: int | None = None, **config: float
) -> FeedbackCheck:
    latest = None
    if seen is not None:
        latest = ModelVersion(
            name="bot", version=1, uri="", digest="", kind="full", judgements=seen
        )
    settings = CheckFeedbackConfig(**{"minimum": 3, "bad_share": 0.5} | config)
    found: FeedbackCheck = check_feedback(
        latest,
        config=settings,
        feedback=store(folder, judgements),
        workspace=Workspace(folder, folder, folder / "run"),
    )
    return found


def curated(folder: Path, judgements: list[Judgement], count: int) -> list[tuple[str, str]]:
    counted = FeedbackCheck(count, count, 0, 0.0, 0, True, "")
    workspace = Workspace(folder, folder, folder)
    datasets = NoopDatasets(NoConfig(), workspace)
    dataset = curate_feedback(
        counted,
        config=CurateFeedbackConfig(),
        feedback=store(folder, judgements),
        datasets=datasets,
    )
    rows = (row.fields["messages"] for row in datasets.rows(dataset))
    return [(user["content"], assistant["content"]) for user, assistant in rows]


GOOD, BAD, CURED = judged("a", 1.0), judged("b", 0.0), judged("c", None, "cure")


def test_a_correction_without_a_rating_is_a_bad_judgement(tmp_path: Path) -> None:
    found = check(tmp_path, [GOOD, BAD, CURED, judged("d", 0.9, "better")])
    assert (found.judgements, found.new, found.bad, found.bad_share) == (4, 4, 2, 0.5)
    assert found.due
    assert found.usable == 3


def test_too_few_are_waited_for(tmp_path: Path) -> None:
    found = check(tmp_path, [BAD, CURED])
    assert not found.due
    assert found.reason == "nothing is due: 2 new judgements of 3"


def test_only_what_came_since_the_latest_version_counts(tmp_path: Path) -> None:
    found = check(tmp_path, [BAD, CURED, CURED, GOOD, GOOD, BAD], seen=3)
    assert (found.new, found.bad) == (3, 1)
    assert found.reason == "nothing is due: 33% of 3 new judgements are bad, less than 50%"


def test_the_bound_itself_is_bad_enough(tmp_path: Path) -> None:
    assert check(tmp_path, [GOOD, CURED, BAD, GOOD]).due


def test_nothing_to_learn_is_nothing_to_do(tmp_path: Path) -> None:
    found = check(tmp_path, [BAD, BAD, judged("d", 0.4)])
    assert not found.due
    assert found.reason == "nothing can be learnt: no judgement says what a good answer is"


def test_no_judgement_at_all_is_no_division_by_zero(tmp_path: Path) -> None:
    assert check(tmp_path, []).reason == "nothing is due: 0 new judgements of 3"


def test_a_run_decides_once(tmp_path: Path) -> None:
    assert not check(tmp_path, [BAD, CURED]).due
    assert not check(tmp_path, [BAD, CURED, CURED, CURED]).due


def test_judgements_that_are_gone_are_missed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there are 1 judgements, and the latest version has seen"):
        check(tmp_path, [BAD], seen=2)
    with pytest.raises(DataError, match="2 judgements were counted, and 1 are left"):
        curated(tmp_path, [GOOD], 2)


def test_the_latest_judgement_of_a_prompt_counts(tmp_path: Path) -> None:
    first, second = judged("a", None, "one"), judged("a", 0.0, "two")
    assert curated(tmp_path, [first, GOOD, second], 3) == [("a", "two")]
    assert curated(tmp_path, [second, GOOD], 2) == [("a", "re a")]
    assert curated(tmp_path, [GOOD, CURED, judged("a", 0.0)], 3) == [("c", "cure")]


def test_what_came_after_the_count_is_left_for_later(tmp_path: Path) -> None:
    assert curated(tmp_path, [GOOD, CURED], 1) == [("a", "re a")]
