"""What programs mean when they run."""

from __future__ import annotations

import pytest

from kitchen.ir.program import Stage
from kitchen.runtime.calls import Environment, StageError
from kitchen.runtime.events import Event, IterationStopped, LoopStarted, Retrying, StageStopped
from kitchen.runtime.interpreter import Interpreter
from tests.runtime.toys import MemoryLog, program_of, world_of


def run(template: str, log: MemoryLog | None = None, **params: object) -> list[str]:
    """The lines a template writes when it runs."""
    log = log or MemoryLog()
    program = program_of(template, **params)
    environment: Environment = {p.value: p.setting for p in program.params}
    Interpreter(world_of(log)).run(program.body, environment)
    return log.lines


def test_values_flow_by_name() -> None:
    assert run("""
steps:
  - stage: number
    as: left
    with: {value: 2}
  - stage: number
    as: right
    with: {value: 3}
  - stage: add
    as: value
  - stage: write
    with: {text: "sum "}
""") == ["sum 5"]


def test_a_loop_carries_what_it_rebinds() -> None:
    assert run("""
params: {n: {type: int, default: 4}}
steps:
  - stage: number
    as: total
  - loop: i
    over: range(n)
    steps:
      - stage: add
        in: {left: total, right: i}
        as: total
  - stage: write
    in: {value: total}
""") == ["6"]


def test_a_loop_of_no_iterations_leaves_what_was_carried() -> None:
    template = """
params: {n: {type: int}}
steps:
  - stage: number
    as: total
    with: {value: 7}
  - loop: i
    over: range(n)
    steps:
      - stage: add
        in: {left: total, right: i}
        as: total
  - stage: write
    in: {value: total}
"""
    assert run(template, n=0) == ["7"]


def test_until_ends_a_loop_after_the_iteration_that_fulfils_it() -> None:
    assert run("""
steps:
  - stage: open_counter
  - stage: number
    as: by
    with: {value: 2}
  - loop: i
    until: score.good
    max: 10
    steps:
      - stage: bump
        as: value
      - stage: score
        with: {value: 5}
      - stage: write
""") == ["2", "4", "6"]


def test_while_is_read_before_each_iteration() -> None:
    assert run("""
steps:
  - stage: number
    as: total
  - loop: i
    while: total < 3
    max: 10
    steps:
      - stage: write
        in: {value: total}
      - stage: add
        in: {left: total, right: i}
        as: total
""") == ["0", "0", "1"]


def test_max_bounds_a_loop_over_a_stream() -> None:
    assert run("""
steps:
  - stage: numbers
    as: items
    with: {length: 100, factor: 3}
  - loop: value
    over: items
    max: 3
    steps:
      - stage: write
""") == ["0", "3", "6"]


@pytest.mark.parametrize(("x", "lines"), [(3, ["big 3", "5"]), (1, ["small 1", "0"])])
def test_a_branch_gives_a_name_what_the_arm_taken_gave_it(x: int, lines: list[str]) -> None:
    template = """
params: {x: {type: int}}
steps:
  - stage: number
    as: value
  - if: x > 2
    then:
      - stage: write
        in: {value: x}
        with: {text: "big "}
      - stage: number
        as: value
        with: {value: 5}
    else:
      - stage: write
        in: {value: x}
        with: {text: "small "}
  - stage: write
"""
    assert run(template, x=x) == lines


def test_a_map_gives_lists_in_order() -> None:
    assert run("""
steps:
  - map: i
    over: range(5)
    max_parallel: 3
    steps:
      - stage: add
        in: {left: i, right: i}
        as: double
  - loop: value
    over: double
    steps:
      - stage: write
""") == ["0", "2", "4", "6", "8"]


def test_an_empty_map_gives_empty_lists() -> None:
    assert run("""
steps:
  - map: i
    over: range(0)
    steps:
      - stage: add
        in: {left: i, right: i}
        as: double
  - stage: number
    as: value
    with: {value: "${len(double)}"}
  - stage: write
""") == ["0"]


def test_several_outputs_come_apart() -> None:
    assert run("""
steps:
  - stage: pair
    as: [left, right]
    with: {value: 4}
  - stage: add
    as: value
  - stage: write
""") == ["9"]


def test_a_setting_may_follow_a_value() -> None:
    assert run("""
steps:
  - loop: i
    over: range(3)
    steps:
      - stage: number
        as: value
        with: {value: "${i * 10}"}
      - stage: write
        with: {text: "step ${i} of 3: "}
""") == ["step 0 of 3: 0", "step 1 of 3: 10", "step 2 of 3: 20"]


def test_an_inlined_workflow_sees_its_parameters_alone() -> None:
    inner = """
params: {start: {type: int}, step: {type: int, default: 1}}
steps:
  - stage: number
    as: left
    with: {value: "${start}"}
  - stage: number
    as: right
    with: {value: "${step}"}
  - stage: add
    as: total
"""
    program = program_of(
        """
steps:
  - stage: number
    as: seed
    with: {value: 40}
  - workflow: sum
    with: {start: "${seed}", step: 2}
    as: {total: value}
  - stage: write
""",
        inner={"sum": inner},
    )
    log = MemoryLog()
    Interpreter(world_of(log)).run(program.body, {})
    assert log.lines == ["42"]


def test_a_failure_names_its_step() -> None:
    with pytest.raises(StageError) as caught:
        run("steps:\n  - stage: flaky\n    as: value\n    with: {fail: 9}\n  - stage: write\n")
    assert caught.value.op.stage == "flaky"
    assert "try 1 failed" in str(caught.value)


def test_retry_tries_again_and_tells() -> None:
    log, told, waits = MemoryLog(), [], []
    program = program_of("""
steps:
  - stage: flaky
    as: value
    with: {fail: 2}
    retry: {times: 2, backoff: 0.5, max_backoff: 8}
  - stage: write
""")

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return False

    world = world_of(log, told.append, wait=wait)
    Interpreter(world).run(program.body, {})
    assert log.lines == ["3"]
    assert [event.attempt for event in told if isinstance(event, Retrying)] == [1, 2]
    assert all(0 <= seconds <= 8 for seconds in waits)


def test_retry_is_not_wasted_on_what_cannot_change() -> None:
    log = MemoryLog()
    with pytest.raises(StageError):
        run(
            "steps:\n  - stage: flaky\n    as: value\n    with: {fail: 2, transient: false}\n"
            "    retry: {times: 5}\n  - stage: write\n",
            log,
        )
    assert log.tries == {"flaky": 1}


def test_pure_work_of_a_stream_loop_runs_ahead_in_another_thread() -> None:
    program = program_of("""
steps:
  - stage: numbers
    as: items
    with: {length: 3}
  - loop: i
    over: items
    steps:
      - stage: thread_name
      - stage: write
        in: {value: i}
        with: {text: "${thread_name} "}
""")
    log = MemoryLog()
    Interpreter(world_of(log)).run(program.body, {})
    assert [line.split()[0].startswith("ahead") for line in log.lines] == [True] * 3


def test_events_tell_of_every_stage_and_iteration() -> None:
    told: list[Event] = []
    program = program_of("""
steps:
  - stage: number
    as: total
  - loop: i
    over: range(2)
    steps:
      - stage: write
        in: {value: i}
  - stage: write
    in: {value: total}
""")
    Interpreter(world_of(MemoryLog(), told.append)).run(program.body, {})
    stages = [event.op.name for event in told if isinstance(event, StageStopped)]
    assert stages == ["number", "write", "write", "write_2"]
    assert [event.count for event in told if isinstance(event, LoopStarted)] == [2]
    assert [event.index for event in told if isinstance(event, IterationStopped)] == [0, 1]
    assert all(isinstance(e.op, Stage) for e in told if isinstance(e, StageStopped))


def test_a_step_that_outlasts_its_timeout_is_given_up() -> None:
    log = MemoryLog()
    with pytest.raises(StageError, match=r"longer than its `timeout:` of 0\.05 s"):
        run(
            "steps:\n  - stage: hang\n    timeout: 0.05\n  - stage: write\n    in: {value: hang}\n",
            log,
        )
    log.release.set()
    assert log.lines == []


def test_a_step_within_its_timeout_gives_what_it_gives() -> None:
    log = MemoryLog()
    log.release.set()
    template = "steps:\n  - stage: hang\n    timeout: 60\n  - stage: write\n    in: {value: hang}\n"
    assert run(template, log) == ["1"]


def test_steps_that_need_nothing_of_each_other_run_side_by_side() -> None:
    assert run("""
steps:
  - stage: meet
    as: left
    with: {value: 1}
  - stage: meet
    as: right
    with: {value: 2}
  - stage: add
    as: value
  - stage: write
""") == ["3"]


def test_writes_keep_their_order() -> None:
    steps = "".join(f"  - stage: write\n    with: {{text: line {i}}}\n" for i in range(20))
    assert run(f"steps:\n{steps}") == [f"line {i}" for i in range(20)]


def test_a_clause_without_a_value_fails_at_its_step() -> None:
    template = """
steps:
  - stage: number
    as: none
  - stage: open_counter
  - loop: i
    over: range(2)
    until: 1 / none > 2
    steps:
      - stage: score
"""
    with pytest.raises(StageError, match="division by zero") as caught:
        run(template)
    assert caught.value.op.name == "i"
