"""Targets: engines that a task graph is written out for, one package each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from kitchen.compiler.targets.target import Target

#: Each is a package beside this file, whose `TARGET` it is. Imported when something is exported.
NAMES = ("airflow", "argo")


class _Targets(Mapping[str, Target]):
    """Targets by name, each imported when it is asked for."""

    def __getitem__(self, name: str) -> Target:
        if name not in NAMES:
            raise KeyError(name)
        target: Target = import_module(f"{__name__}.{name}").TARGET
        return target

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


#: By the name that `kitchen export --to NAME` is given.
TARGETS: Mapping[str, Target] = _Targets()
