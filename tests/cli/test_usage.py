"""What is typed wrong is shown where it was typed, with the cure, and exits with 2."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from kitchen.cli.application import COMMANDS
from kitchen.runtime import plugins
from kitchen.runtime.entry_points import EntryPoint
from tests.cli.conftest import Kitchen
from tests.conftest import Golden

WRONG = {
    "unknown_command": "complie train.yaml",
    "unknown_option": "compile train.yaml --formt json",
    "unknown_option_with_value": "compile train.yaml --shw=ir",
    "missing_argument": "compile",
    "missing_value": "compile train.yaml --format",
    "unknown_choice": "compile train.yaml --format=yaml",
    "unknown_kind": "list stags",
    "extra_argument": "compile train.yaml counts.yaml",
    "set_without_value": "compile train.yaml --set turns --set =3",
    "set_of_another_type": "compile train.yaml --set turns=many",
    "set_of_nothing": "compile train.yaml --set tunrs=3",
    "missing_file": "compile trian.yaml",
    "folder": "compile .",
    "unknown_pass": "compile train.yaml --after fold_constant",
    "no_such_form": "compile train.yaml --show source --format json",
    "run_nothing": "run",
    "run_two_things": "run train.yaml --resume .",
    "resume_with_settings": "run --resume . --set turns=3",
    "resume_of_no_run": "run --resume .",
    "report_of_no_run": "report .",
    "diff_of_no_run": "diff train.yaml .",
    "explain_nothing_known": "explain forward_backwards",
    "new_of_nothing": "new supervized",
    "new_over_a_file": "new supervised train.yaml",
    "new_in_no_folder": "new supervised train.yaml/recipe.yaml",
    "schema_of_nothing": "schema --workflow supervized",
    "quoted": "compile 'a b.yaml'",
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong(kitchen: Kitchen, golden: Golden, case: str) -> None:
    done = kitchen(*shlex.split(WRONG[case]))
    assert (done.code, done.out) == (2, "")
    assert done.err == golden("txt", name=case)


def test_help(kitchen: Kitchen, golden: Golden) -> None:
    done = kitchen("--help")
    assert done.code == 0
    assert done.out == golden
    assert kitchen() == done


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_commands(kitchen: Kitchen, golden: Golden, command: str) -> None:
    done = kitchen(command, "--help")
    assert done.code == 0
    assert done.out == golden("txt", name=command)


def test_version(kitchen: Kitchen) -> None:
    done = kitchen("--version")
    assert done.code == 0
    assert done.out.startswith("kitchen 0.")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_file_that_may_not_be_read(kitchen: Kitchen, tmp_path: Path) -> None:
    closed = tmp_path / "closed.yaml"
    closed.write_text("kitchen: 1\n")
    closed.chmod(0)
    done = kitchen("compile", closed)
    assert done.code == 2
    assert "permission denied" in done.err


def test_file_that_is_no_text(kitchen: Kitchen, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_bytes(b"kitchen: \xff\n")
    done = kitchen("compile", tmp_path / "recipe.yaml")
    assert done.code == 2
    assert "is not UTF-8 text" in done.err


def _entry(name: str, value: str, group: str = "kitchen.stages") -> EntryPoint:
    return EntryPoint(group, name, value, package="pantry")


@pytest.mark.parametrize(
    "entry",
    [
        _entry("tokenize", "elsewhere.stages:tokenize"),
        _entry("bake", "not_installed.stages:bake"),
        _entry("bake", "kitchen.runtime.stages.data:bake"),
        _entry("oven", "kitchen.runtime.stages.data:tokenize", "kitchen.adapters.training"),
    ],
    ids=["twice", "no_module", "no_function", "no_adapter"],
)
def test_packages_that_do_not_fit(
    kitchen: Kitchen, golden: Golden, monkeypatch: pytest.MonkeyPatch, entry: EntryPoint
) -> None:
    installed = [*plugins.entry_points("kitchen.")]
    monkeypatch.setattr(plugins, "entry_points", lambda prefix: [*installed, entry])
    plugins._groups.cache_clear()
    try:
        done = kitchen("list", "adapters" if "adapters" in entry.group else "stages")
    finally:
        plugins._groups.cache_clear()
    assert (done.code, done.out) == (2, "")
    assert done.err == golden
