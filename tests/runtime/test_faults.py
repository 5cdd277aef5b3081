"""Whatever fails, and wherever: the old version or the new one is there, and whole.

`SAMPLES=2000 pytest tests/runtime/test_faults.py` looks at more states after a power cut.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from kitchen.runtime import manifest, run_directory, store
from tests.runtime.scenarios import (
    SCENARIOS,
    Modules,
    Scenario,
    losses_by_damage,
    losses_by_fault,
    losses_by_power_cut,
)

SAMPLES = int(os.environ.get("SAMPLES", "20"))

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


#: The protocol with one defence taken out; each must be seen by one of the tests above.
MUTANTS: dict[str, tuple[ModuleType, list[tuple[str, str]]]] = {
    "files of a folder are not forced to the disk": (
        store,
        [
            ("            _sync(path)\n            relative", "            relative"),
        ],
    ),
    "inner folders are not forced to the disk": (
        store,
        [
            (
                "for name in folders):\n            _sync(path)",
                "for name in ()):\n            pass",
            ),
        ],
    ),
    "the folder's own names are not forced to the disk": (
        store,
        [
            ("manifest.to_json())\n    _sync(folder)", "manifest.to_json())"),
        ],
    ),
    "a file is not forced to the disk": (
        store,
        [
            (
                "        _write_all(descriptor, data)\n        system.fsync(descriptor)",
                "        _write_all(descriptor, data)",
            ),
        ],
    ),
    "a file's rename is not forced to the disk": (
        store,
        [
            (
                "            raise\n        _sync(target.parent)\n\n\ndef commit_folder",
                "            raise\n\n\ndef commit_folder",
            ),
        ],
    ),
    "a folder's rename is not forced to the disk": (
        store,
        [
            ("        _sync(target.parent)\n        if replaced:", "        if replaced:"),
        ],
    ),
    "the rename comes before the manifest": (
        store,
        [
            (
                "            manifest = _seal(temporary)\n"
                "            replaced = _put_in_place(temporary, target)",
                "            replaced = _put_in_place(temporary, target)\n"
                "            manifest = _seal(target)",
            ),
        ],
    ),
    "the manifest comes first": (
        store,
        [
            (
                "            write(temporary)\n            manifest = _seal(temporary)\n"
                "            replaced = _put_in_place(temporary, target)",
                "            manifest = _seal(temporary)\n"
                "            replaced = _put_in_place(temporary, target)\n            write(target)",
            ),
        ],
    ),
    "a file is written in place": (
        store,
        [
            (
                "        make_folder(target.parent)\n        temporary = _beside(target, TEMPORARY)\n"
                "        try:\n            _write(",
                "        make_folder(target.parent)\n        temporary = target\n"
                "        try:\n            _write(",
            ),
            ("os.O_WRONLY | os.O_CREAT | os.O_EXCL", "os.O_WRONLY | os.O_CREAT | os.O_TRUNC"),
        ],
    ),
    "the old folder goes before the new one is in place": (
        store,
        [
            (
                "    system.rename(target, replaced)\n",
                "    return remove_folder(target) or system.rename(temporary, target)\n",
            ),
        ],
    ),
    "the old folder goes before the new name is on the disk": (
        store,
        [
            (
                "        _sync(target.parent)\n        if replaced:\n"
                "            remove_folder(replaced)\n",
                "        if replaced:\n            system.rmtree(replaced)\n"
                "        _sync(target.parent)\n",
            ),
        ],
    ),
    "nothing puts a replaced folder back": (
        store,
        [
            ("path.name.startswith(REPLACED) and not target.exists()", "False"),
        ],
    ),
    "a commit that failed is told as done": (
        store,
        [
            (
                '        raise StorageError(f"`{target}` was not written',
                '        return\n        raise StorageError(f"`{target}` was not written',
            ),
        ],
    ),
    "old checkpoints go before the new one is there": (
        run_directory,
        [
            (
                "        store.commit_folder(target, write)\n"
                "        for old in self._good()[: -max(keep, KEEP)]:\n"
                "            store.remove_folder(old.path)",
                "        for old in self._good():\n            store.remove_folder(old.path)\n"
                "        store.commit_folder(target, write)",
            ),
        ],
    ),
    "the newest checkpoint is taken unread": (
        run_directory,
        [
            ("store.verify_folder(checkpoint.path, hashes=True)", "[]"),
        ],
    ),
    "hashes are not compared": (
        manifest,
        [
            ("        if hashes and sha256_of(path) != file.sha256:", "        if False:"),
        ],
    ),
    "hashes are not asked for": (
        run_directory,
        [
            (
                "store.verify_folder(checkpoint.path, hashes=True)",
                "store.verify_folder(checkpoint.path, hashes=False)",
            ),
        ],
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_missing_defence_is_seen(name: str, tmp_path: Path) -> None:
    module, changes = MUTANTS[name]
    modules = Modules.with_mutant(module, *changes)
    assert next(_losses(modules, tmp_path), None) is not None


def _losses(modules: Modules, root: Path) -> Iterator[str]:
    for scenario in SCENARIOS:
        here = root / scenario.name
        yield from losses_by_fault(scenario, here, modules, "kill")
        yield from losses_by_fault(scenario, here, modules, "EIO")
        yield from losses_by_power_cut(scenario, here, modules, SAMPLES)
    yield from losses_by_damage(root, modules)
