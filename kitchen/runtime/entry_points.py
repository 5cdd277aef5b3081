"""Entry points of the installed packages, read as `importlib.metadata` reads them.

To import that module takes longer than to compile a recipe; an entry point is a line of a file.
Specification: packaging.python.org, "Entry points specification".
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from functools import reduce
from importlib import import_module
from typing import Any, NamedTuple


class EntryPoint(NamedTuple):
    """A name in a group, the object it stands for (`module:attribute [extra]`), its giver."""

    group: str
    name: str
    value: str
    package: str

    def load(self) -> Any:
        """Import the module and get the object."""
        module, _, attributes = self.value.partition("[")[0].strip().partition(":")
        path = attributes.split(".") if attributes else []
        return reduce(getattr, path, import_module(module))


def entry_points(prefix: str) -> Iterator[EntryPoint]:
    """Those of the groups with this prefix; of a package found twice, the first on `sys.path`."""
    seen: set[str] = set()
    for folder in sys.path:
        for package, file in _installed_in(folder or os.curdir):
            name = re.sub(r"[-_.]+", "-", package).lower()
            if name not in seen:
                seen.add(name)
                yield from _read(file, package, prefix)


def _installed_in(folder: str) -> Iterator[tuple[str, str]]:
    """The packages installed in a folder, each with the file that its entry points are in."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:  # not there, or an archive
        return
    for name in names:
        if name.endswith((".dist-info", ".egg-info")):
            package = os.path.splitext(name)[0].partition("-")[0]
            yield package, os.path.join(folder, name, "entry_points.txt")


def _read(file: str, package: str, prefix: str) -> Iterator[EntryPoint]:
    try:
        with open(file, encoding="utf-8") as opened:
            lines = [line.strip() for line in opened]
    except OSError:
        return
    group = ""
    for line in lines:
        if line.startswith("["):
            group = line.strip("[]")
        elif group.startswith(prefix) and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield EntryPoint(group, name.strip(), value.strip(), package)
