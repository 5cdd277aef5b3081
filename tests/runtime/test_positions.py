"""A run left at any place and gone on with ends as if it never had been left."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kitchen.ir.program import Program
from kitchen.runtime import states
from kitchen.runtime.calls import Environment
from kitchen.runtime.checkpoint import Checkpoints
from kitchen.runtime.guards import Stopped
from kitchen.runtime.interpreter import Interpreter
from kitchen.runtime.run_directory import RunDirectory
from tests.runtime.toys import CounterState, MemoryLog, program_of, world_of

NESTED = """
params: {outer: {type: int, default: 3}, inner: {type: int, default: 4}}
steps:
  - stage: open_counter
  - stage: number
    as: total
    with: {value: 100}
  - stage: number
    as: by
    with: {value: 1}
  - stage: bump
    as: value
  - stage: measure
  - loop: epoch
    over: range(outer)
    until: len(items) > 9  # what the body makes is looked at once more when it is done
    steps:
      - stage: numbers
        as: items
        with: {length: "${inner}", factor: "${epoch + 1}"}
      - stage: score
        with: {value: "${epoch * 10}"}
      - if: score.good
        then:
          - loop: item
            over: items
            checkpoint: 1
            steps:
              - stage: bump
                in: {by: item}
                as: value
              - stage: add
                in: {left: total, right: value}
                as: total
              - stage: write
                with: {text: "e${epoch} i${item} "}
        else:
          - stage: bump
            as: value
      - stage: write
        in: {value: total}
        with: {text: "epoch ${epoch} good ${score.good} "}
  - loop: round
    until: score.good
    max: 20
    steps:
      - stage: bump
        as: value
      - stage: score
        with: {value: 35}
      - stage: write
        with: {text: "round "}
  - stage: shown
  - stage: write
    in: {value: shown}
    with: {text: "at first "}
  - stage: score
    as: last
    with: {value: 0}
  - stage: write
    in: {value: total}
    with: {text: "end ${last.value} "}
"""


@pytest.fixture(autouse=True)
def _counters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "STATES", {"Counter": CounterState()})


@dataclass
class Leaves:
    """Asks to stop at the n-th place where a run can be left."""

    at: int
    places: int = field(default=0)

    def __call__(self) -> bool:
        self.places += 1
        return self.places == self.at


def run(program: Program, folder: Path, log: MemoryLog, stop: Leaves, *, resume: bool) -> bool:
    """Run or go on until the end or a stop; whether the end was reached."""
    directory = RunDirectory(folder)
    keeper = Checkpoints(program, world_of(log), directory, stop)
    environment: Environment = {p.value: p.setting for p in program.params}
    position = ()
    if resume:
        latest = directory.latest_checkpoint(lambda message: pytest.fail(message))
        assert latest is not None
        position = keeper.load(latest, environment)
    try:
        interpreter = Interpreter(world_of(log), keeper.boundary, keeper.restore)
        interpreter.run(program.body, environment, position)
    except Stopped:
        return False
    return True


def test_left_once_at_every_place(tmp_path: Path) -> None:
    program = program_of(NESTED)
    whole, never = MemoryLog(), Leaves(0)
    assert run(program, tmp_path / "whole", whole, never, resume=False)
    assert never.places > 15
    left = 0
    for place in range(1, never.places + 1):
        log, folder = MemoryLog(), tmp_path / str(place)
        # How many places there are between the first steps depends on how fast those beside are.
        if run(program, folder, log, Leaves(place), resume=False):
            continue
        left += 1
        assert run(program, folder, log, Leaves(0), resume=True)
        assert log.lines == whole.lines, f"left at place {place}"
    assert left > 15


def test_left_at_every_place_in_turn(tmp_path: Path) -> None:
    program = program_of(NESTED)
    whole = MemoryLog()
    assert run(program, tmp_path / "whole", whole, Leaves(0), resume=False)
    log, folder, resume, times = MemoryLog(), tmp_path / "left", False, 0
    while not run(program, folder, log, Leaves(1), resume=resume):
        resume, times = True, times + 1
        assert times < 100, "the run does not come forward"
    assert log.lines == whole.lines
    assert times > 10


def test_a_handle_without_its_state_would_be_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "STATES", {})
    program = program_of(NESTED)
    whole, log = MemoryLog(), MemoryLog()
    assert run(program, tmp_path / "whole", whole, Leaves(0), resume=False)
    assert not run(program, tmp_path / "left", log, Leaves(12), resume=False)
    assert run(program, tmp_path / "left", log, Leaves(0), resume=True)
    assert log.lines != whole.lines


STRAIGHT = """
steps:
  - stage: number
    as: left
    with: {value: 1}
  - stage: number
    as: right
    with: {value: 2}
  - stage: add
    as: value
  - stage: write
  - stage: write
  - stage: write
"""


def test_a_program_without_loops_is_left_between_its_steps(tmp_path: Path) -> None:
    program = program_of(STRAIGHT)
    whole, never = MemoryLog(), Leaves(0)
    assert run(program, tmp_path / "whole", whole, never, resume=False)
    assert never.places >= 3
    log = MemoryLog()
    assert not run(program, tmp_path / "left", log, Leaves(1), resume=False)
    assert len(log.lines) < 3
    assert run(program, tmp_path / "left", log, Leaves(0), resume=True)
    assert log.lines == whole.lines
