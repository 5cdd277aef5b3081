"""What is installed is what the project says: the wheel, the lock, the entry points, the extras."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture import ROOT
from tools.lock import closure

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ENTRY_POINTS = [
    (group, name, value)
    for group, entries in PROJECT["entry-points"].items()
    for name, value in entries.items()
]
#: Each lock, and something that it is about.
LOCKS = {
    "requirements.lock": "torch==2.13.0",
    "requirements-bench.lock": "torch==2.13.0",
    "requirements-airflow.lock": "apache-airflow==3.3.2",
    "requirements-airflow2.lock": "apache-airflow==2.11.2",
}


def test_a_wheel_carries_recipes_and_types(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*build, "--directory", tmp_path], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("kitchen-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "kitchen/py.typed" in names
    recipes = (ROOT / "recipes").rglob("*.yaml")
    assert {f"kitchen/{path.relative_to(ROOT)}" for path in recipes} <= set(names)
    assert not [name for name in names if not name.startswith(("kitchen/", "kitchen-"))]


@pytest.mark.parametrize(("group", "name", "value"), ENTRY_POINTS)
def test_an_entry_point_leads_somewhere(group: str, name: str, value: str) -> None:
    """Each line of pyproject.toml is installed, can be loaded, and is named for what it loads."""
    (entry,) = metadata.entry_points(group=group, name=name)
    assert entry.value == value
    loaded = entry.load()
    if group == "kitchen.stages":
        assert loaded.spec.name == name
    if group.startswith("kitchen.adapters."):
        assert (loaded.port, loaded.name) == (group.removeprefix("kitchen.adapters."), name)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_versions_and_nothing_else(lock: str) -> None:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", pin) for pin in pins)
    assert pins == sorted(pins, key=lambda pin: pin.split("=="))
    assert LOCKS[lock] in pins


def test_the_lock_is_complete() -> None:
    """It is installed without dependencies, so a missing line is a missing package."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert closure("kitchen", frozenset({"dev"})) == pins


def test_compile_needs_the_core_dependencies_only() -> None:
    """With every other package hidden, as after `pip install .`, a shipped recipe compiles."""
    core = {*closure("kitchen", frozenset()), "kitchen"}
    hidden = {
        module
        for module, owners in metadata.packages_distributions().items()
        if not {canonicalize_name(owner) for owner in owners} & core
    }
    program = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({sorted(hidden)!r}))\n"
        "from kitchen.cli import main\n"
        "sys.argv = ['kitchen', 'compile', 'recipes/sft.yaml']\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {"torch", "pyarrow", "numpy", "networkx"} <= hidden


def test_extras_name_the_torch_that_is_locked() -> None:
    extras = PROJECT["optional-dependencies"]
    (torch,) = [pin for line in extras["torch"] if (pin := Requirement(line)).name == "torch"]
    assert str(torch) == "torch==2.13.0"
