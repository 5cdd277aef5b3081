"""Every page does what it says: its commands run, its files are read, its Python works."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture import ROOT
from tests.documents import Block, Command, blocks, commands, shows

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

#: Commands that change the environment that the tests run in.
OURS = ("git clone ", "cd kitchen", 'pip install "', ".venv/")
#: What a page says to install a reader's own package; here it goes beside the page, not to .venv.
INSTALL = "pip install --editable ."
INSTALL_BESIDE = "pip install --quiet --no-deps --no-build-isolation --target site ."

LANGUAGES = {"console", "yaml", "python", "toml", "json", "text", "mermaid", "jsonl"}


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder with the shipped recipes in it, as a reader has who follows a page from the top."""
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    return tmp_path


def run(command: Command, folder: Path) -> subprocess.CompletedProcess[str]:
    scripts = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    environment["PYTHONPATH"] = str(folder / "site")
    return subprocess.run(
        command.text.replace(INSTALL, INSTALL_BESIDE),
        shell=True,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def check_command(command: Command, folder: Path, place: str) -> None:
    done = run(command, folder)
    told = f"{place}: {command.text}\n{done.stdout}"
    assert done.returncode == command.code, told
    if command.output.strip():
        assert shows(command.output, done.stdout), f"{told}\n--- the page shows\n{command.output}"


def follow(block: Block, folder: Path, place: str) -> None:
    """Do what a block says, in a folder that the page's earlier blocks have been done in."""
    if block.file is not None:
        target = folder / block.file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block.text, encoding="utf-8")
    elif block.language == "python":
        check_command(Command(f"{sys.executable} - <<'END'\n{block.text}END", "", 0), folder, place)
    elif block.language == "console":
        for command in commands(block):
            if command.text.startswith("make "):
                check_target(command, place)
            elif not command.text.startswith(OURS):
                check_command(command, folder, place)


def check_target(command: Command, place: str) -> None:
    """A `make` command is not run, for it would run the tests; but it has to be there."""
    target = command.text.partition("#")[0]
    done = run(Command(f"{target} --dry-run", "", 0), ROOT)
    assert done.returncode == 0, f"{place}: {command.text}\n{done.stdout}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_can_be_followed(page: Path, workplace: Path) -> None:
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{page.name}:{block.line}: nobody reads {block}"
        follow(block, workplace, f"{page.name}:{block.line}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#\s]+)", text):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_recipe_that_the_readme_shows_is_the_one_that_it_runs() -> None:
    (shown, *_) = (found.text for found in blocks(PAGES[0]) if found.language == "yaml")
    assert shown == (ROOT / "recipes" / "quickstart.yaml").read_text(encoding="utf-8")
    assert "kitchen run recipes/quickstart.yaml" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_continuous_integration_runs_the_test_command_of_the_readme() -> None:
    (block, *_) = (found for found in blocks(PAGES[0]) if found.language == "console")
    tests = [command.text.partition(" #")[0].strip() for command in commands(block)]
    assert "make test" in tests
    last = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1]
    assert last == "exec make test"


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\nb", "a  \nb\n", True),
        ("loss ... done", "loss 3.2 done", True),
        ("first\n...\nlast", "first\n1\n2\nlast\n", True),
        ("a", "a\nb", False),
        ("loss ... done", "loss 3.2", False),
        ("a.c", "abc", False),
    ],
)
def test_shown_output(shown: str, printed: str, same: bool) -> None:
    assert shows(shown, printed) is same


def test_a_page_is_read_as_it_is_meant(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Put this in `a/b.yaml`:\n\n```yaml\nx: 1\n```\n\n"
        "```console\n$ cat a/b.yaml\nx: 1\n$ false  # exits with 1\n```\n"
    )
    first, second = blocks(page)
    assert (first.file, first.text, second.file, second.line) == ("a/b.yaml", "x: 1\n", None, 7)
    cat, false = commands(second)
    assert (cat.text, cat.output, cat.code) == ("cat a/b.yaml", "x: 1\n", 0)
    assert (false.text, false.code) == ("false", 1)
    follow(first, tmp_path, "page")
    follow(second, tmp_path, "page")
    with pytest.raises(AssertionError, match="the page shows"):
        check_command(Command("cat a/b.yaml", "x: 2\n", 0), tmp_path, "page")
    with pytest.raises(AssertionError):
        check_command(Command("cat missing", "", 0), tmp_path, "page")
