"""The public names: all of them, and nothing imported that is not asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import kitchen

RECIPES = Path(__file__).parent / "cli" / "recipes"


def test_the_names() -> None:
    assert kitchen.__all__ == [
        "CompileError",
        "Config",
        "Diagnostic",
        "Effect",
        "Program",
        "check",
        "compile_recipe",
        "explain",
        "export",
        "resume",
        "run",
        "setting",
        "stage",
    ]
    for name in kitchen.__all__:
        assert getattr(kitchen, name).__name__ == name
        assert name in dir(kitchen)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        kitchen.nothing  # noqa: B018


def test_compile_and_check() -> None:
    compiled = kitchen.compile_recipe(RECIPES / "counts.yaml", overrides={"turns": 2})
    assert compiled.program.name == "counts"
    assert kitchen.check(RECIPES / "counts.yaml") == ()
    faults = kitchen.check(RECIPES / "faulty.yaml")
    assert [fault.code for fault in faults] == ["K150", "K302"]
    with pytest.raises(kitchen.CompileError) as caught:
        kitchen.compile_recipe(RECIPES / "faulty.yaml")
    assert caught.value.diagnostics == faults
    (missing,) = kitchen.check(RECIPES / "nowhere.yaml")
    assert missing.code == "K002"


def test_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KITCHEN_CACHE", str(tmp_path / "cache"))
    events: list[object] = []
    path = kitchen.run(
        RECIPES / "train.yaml",
        run_dir=tmp_path / "run",
        overrides={"turns": 1, "prompts": ["Hello", "What is it?"]},
        listeners=[events.append],
    )
    assert path == tmp_path / "run"
    assert (path / "weights").is_dir()
    assert type(events[-1]).__name__ == "RunStopped"


def test_explain() -> None:
    assert kitchen.explain("k202").startswith("K202 a value that may be absent")
    with pytest.raises(KeyError):
        kitchen.explain("K999")


def modules_of(code: str) -> set[str]:
    """The top-level packages that are imported when some code has run."""
    report = "; import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, check=True
    )
    return {*done.stdout.splitlines()[-1].split()}


def test_importing_kitchen_imports_nothing_else() -> None:
    assert not {"click", "pydantic", "yaml", "rich", "numpy"} & modules_of("import kitchen")


def test_compiling_imports_nothing_heavy() -> None:
    recipe = str(RECIPES / "shipped.yaml")
    code = f"from kitchen.cli.application import main; main(['compile', {recipe!r}])"
    heavy = {"torch", "numpy", "pyarrow", "networkx", "rich", "transformers", "jinja2", "tenacity"}
    assert not heavy & modules_of(code)
