"""What runs at the end, whatever happened."""

from __future__ import annotations

import pytest

from kitchen.runtime.calls import Environment, StageError
from kitchen.runtime.endings import run_ending
from kitchen.runtime.events import Event, StageSkipped
from kitchen.runtime.interpreter import Interpreter
from tests.runtime.toys import MemoryLog, program_of, world_of

TEMPLATE = """
params: {{fail: {{type: int, default: 0}}}}
steps:
  - stage: open_counter
  - stage: number
    as: by
    with: {{value: 3}}
  - loop: i
    over: range(2)
    steps:
      - stage: bump
        as: value
  - stage: flaky
    as: tried
    with: {{fail: "${{fail}}"}}
  - stage: number
    as: later
    with: {{value: "${{tried}}"}}
{ending}
"""


def end(ending: str, *, fail: int) -> tuple[list[str], list[Event], StageError | None]:
    """Run a template that may fail, then its endings: lines, events, the failure."""
    log, told = MemoryLog(), []
    world = world_of(log, told.append)
    program = program_of(TEMPLATE.format(ending=ending), fail=fail)
    environment: Environment = {p.value: p.setting for p in program.params}
    failure = None
    try:
        Interpreter(world).run(program.body, environment)
    except StageError as caught:
        failure = caught
        run_ending(program.on_failure, world, environment, failure)
    run_ending(program.finally_, world, environment, failure)
    return log.lines, told, failure


def test_finally_reads_the_latest_version_of_a_name() -> None:
    ending = """
finally:
  - stage: score
    with: {value: 6}
  - stage: write
    in: {value: later}
    with: {text: "${score.value} ${score.good} "}
"""
    lines, _, failure = end(ending, fail=0)
    assert (lines, failure) == (["6 true 1"], None)


def test_a_step_at_the_end_is_skipped_where_its_input_was_never_made() -> None:
    ending = """
finally:
  - stage: write
    in: {value: later}
  - stage: write
    in: {value: by}
"""
    lines, told, failure = end(ending, fail=1)
    assert failure is not None
    assert lines == ["3"]
    skipped = [event for event in told if isinstance(event, StageSkipped)]
    assert [(event.op.name, event.reason) for event in skipped] == [
        ("write", "`later` was never made")
    ]


@pytest.mark.parametrize(
    ("guard", "fail", "lines"),
    [("true", 0, ["closed at 6"]), ("false", 0, ["closed at 6"]), ("true", 1, ["closed at 6"])],
    ids=["on the way", "at the end", "after a failure"],
)
def test_what_is_closed_on_the_way_is_not_closed_again(
    guard: str, fail: int, lines: list[str]
) -> None:
    ending = f"""
  - stage: close_counter
    when: {guard}
finally:
  - stage: close_counter
"""
    found, told, _ = end(ending, fail=fail)
    assert found == lines
    assert not [event for event in told if isinstance(event, StageSkipped)]


def test_on_failure_reads_what_failed() -> None:
    ending = """
on_failure:
  - stage: write
    in: {value: by}
    with: {text: "${failure.stage}: ${failure.message}; "}
"""
    assert end(ending, fail=1)[0] == ["flaky: try 1 failed; 3"]
    assert end(ending, fail=0)[0] == []


def test_a_failure_at_the_end_hides_no_other() -> None:
    ending = """
finally:
  - stage: flaky
    as: again
    with: {fail: 5, name: second}
  - stage: write
    in: {value: by}
"""
    lines, _, failure = end(ending, fail=1)
    assert failure is not None
    assert "try 1 failed" in str(failure)
    assert failure.__notes__ == ["and then `flaky_2` failed: try 1 failed"]
    assert lines == ["3"]
    with pytest.raises(StageError):
        end(ending, fail=0)


@pytest.mark.parametrize(("opened", "line"), [("true", "scored"), ("false", "nothing")])
def test_a_value_that_may_be_absent_is_guarded_as_anywhere(opened: str, line: str) -> None:
    template = """
params: {open: {type: bool}}
steps:
  - stage: open_counter
    when: open
finally:
  - stage: score
    when: counter != None
  - stage: write
    with: {text: "${'scored' if score != None else 'nothing'}"}
"""
    log = MemoryLog()
    program = program_of(template, open=opened)
    environment: Environment = {p.value: p.setting for p in program.params}
    Interpreter(world_of(log)).run(program.body, environment)
    run_ending(program.finally_, world_of(log), environment)
    assert log.lines == [line]
