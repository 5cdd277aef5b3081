"""Whatever fails, and wherever: the old version or the new one is there, and whole.

`SAMPLES=2000 pytest tests/runtime/test_faults.py` looks at more states after a power cut.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.scenarios import (
    SCENARIOS,
    Modules,
    Scenario,
    losses_by_damage,
    losses_by_fault,
    losses_by_power_cut,
)
from tests.runtime.store_mutants import MUTANTS

SAMPLES = int(os.environ.get("SAMPLES", "100"))

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


@each_scenario
@pytest.mark.parametrize("fault", ["sigkill", "ENOSPC", "EIO"])
def test_a_fault_at_any_call_loses_nothing(scenario: Scenario, fault: str, tmp_path: Path) -> None:
    assert not list(losses_by_fault(scenario, tmp_path, Modules(), fault))


@each_scenario
def test_a_power_cut_at_any_time_loses_nothing(scenario: Scenario, tmp_path: Path) -> None:
    assert not list(losses_by_power_cut(scenario, tmp_path, Modules(), SAMPLES))


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path) -> None:
    assert not list(losses_by_damage(tmp_path, Modules()))


@pytest.mark.parametrize("name", MUTANTS)
def test_a_missing_defence_is_seen(name: str, tmp_path: Path) -> None:
    modules = Modules.with_mutant(*MUTANTS[name])
    assert next(_losses(modules, tmp_path), None) is not None


def _losses(modules: Modules, root: Path) -> Iterator[str]:
    for scenario in SCENARIOS:
        here = root / scenario.name
        yield from losses_by_fault(scenario, here, modules, "kill")
        yield from losses_by_fault(scenario, here, modules, "EIO")
        yield from losses_by_power_cut(scenario, here, modules, SAMPLES)
    yield from losses_by_damage(root, modules)
