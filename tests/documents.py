"""What a page of documentation promises: its commands with their output, its files, its Python.

A fenced block belongs to the tests by its language and what stands in front of it:

    ```console     commands after `$ `, each with the output that follows it; `...` stands for any
                   text; `$ command  # exits with 2` names another exit code than 0
    ```yaml        kept as a file, if the paragraph before names one and ends with a colon:
                   "The recipe, in `recipe.yaml`, is this:"; jsonl and toml likewise
    ```python      kept the same way, and otherwise run
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"`([\w./-]+\.(?:jsonl|py|toml|yaml))`")
EXIT_CODE = re.compile(r"\s+# exits with (?P<code>\d+)$")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its language, its text, its line, and the file it is, if it is one."""

    language: str
    text: str
    line: int
    file: str | None


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a console block, the output shown under it, and the code it exits with."""

    text: str
    output: str
    code: int


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        before = text[: match.start()]
        paragraph = before.rstrip().rpartition("\n\n")[2]
        names = FILE_NAME.findall(paragraph) if paragraph.endswith(":") else []
        line = before.count("\n") + 1
        found.append(Block(match["language"], match["text"], line, names[-1] if names else None))
    return found


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, _, output = part.partition("\n")
        while line.endswith("\\"):
            more, _, output = output.partition("\n")
            line = line[:-1] + more
        code = EXIT_CODE.search(line)
        yield Command(EXIT_CODE.sub("", line), output, int(code["code"]) if code else 0)


def shows(shown: str, printed: str) -> bool:
    """Whether output is what a page shows: the same lines, with `...` for any text."""
    pattern = ".*?".join(re.escape(piece) for piece in _lines(shown).split("..."))
    return re.fullmatch(pattern, _lines(printed), re.DOTALL) is not None


def _lines(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
