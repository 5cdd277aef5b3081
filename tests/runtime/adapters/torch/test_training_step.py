"""A step through kitchen is the step that a PyTorch user writes by hand."""

from __future__ import annotations

from pathlib import Path

from tools.bench.training_step import step_figure


def test_losses_are_those_of_a_hand_written_loop_to_the_last_bit(tmp_path: Path) -> None:
    figure = step_figure(tmp_path, model="nano", count=6)
    assert figure.note == "10 losses identical to the last bit"
