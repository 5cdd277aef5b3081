"""The command line, called in this process."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from kitchen.cli.application import main

RECIPES = Path(__file__).parent / "recipes"


class Done(NamedTuple):
    """What a command gave: its exit code, and what it wrote."""

    code: int
    out: str
    err: str


def undigested(text: str) -> str:
    """The text without digests, which change whenever a plan comes to hold more."""
    return re.sub(r"\b[0-9a-f]{12}\b", "DIGEST", text)


Kitchen = Callable[..., Done]


@pytest.fixture
def kitchen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Kitchen:
    """Runs one command in the folder of the recipes; `KITCHEN_CACHE` is a fresh folder."""
    monkeypatch.chdir(RECIPES)
    monkeypatch.setenv("KITCHEN_CACHE", str(tmp_path / "cache"))

    def run(*words: str | Path) -> Done:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Done(code, *capsys.readouterr())

    return run
