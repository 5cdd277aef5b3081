"""Entry points are read as the standard library reads them."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from kitchen.runtime.entry_points import EntryPoint, entry_points


def install(folder: Path, package: str, text: str) -> None:
    (folder / package).mkdir(parents=True)
    (folder / package / "METADATA").write_text(f"Name: {package.partition('-')[0]}\n")
    (folder / package / "entry_points.txt").write_text(text)


def test_all_that_is_installed_here() -> None:
    expected = {
        (group, found.name, found.value)
        for group in metadata.entry_points().groups
        for found in metadata.entry_points(group=group)
    }
    found = [(found.group, found.name, found.value) for found in entry_points("")]
    assert {(group, name) for group, name, _ in found} >= {("kitchen.stages", "tokenize")}
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_what_a_file_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = """\
# said in a comment = nowhere:nothing
[kitchen.stages]
bake=oven.stages : bake
 roast = oven.stages:Oven.roast [gas]

[console_scripts]
oven = oven:main
"""
    install(tmp_path, "oven_things-1.0.dist-info", text.replace(" : ", ":"))
    monkeypatch.setattr(sys, "path", [str(tmp_path / "nowhere"), str(tmp_path)])
    assert [*entry_points("kitchen.")] == [
        EntryPoint("kitchen.stages", "bake", "oven.stages:bake", "oven_things"),
        EntryPoint("kitchen.stages", "roast", "oven.stages:Oven.roast [gas]", "oven_things"),
    ]


def test_the_first_of_two_on_the_path_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "first", "Oven.Things-2.0.egg-info", "[kitchen.stages]\nbake = new:bake\n")
    install(tmp_path / "then", "oven_things-1.0.dist-info", "[kitchen.stages]\nbake = old:bake\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "first"), str(tmp_path / "then")])
    (found,) = entry_points("kitchen.")
    assert found.value == "new:bake"
    assert [entry.value for entry in metadata.entry_points(name="bake")] == ["new:bake"]


def test_what_is_named_is_loaded() -> None:
    assert EntryPoint("", "", "pathlib:Path.joinpath [extra]", "").load() == Path.joinpath
    assert EntryPoint("", "", "pathlib", "").load().Path is Path
