"""Targets: engines that a task graph is written out for, one module or package each."""

from __future__ import annotations

from kitchen.compiler.targets.target import Target

#: By the name that `kitchen export --to NAME` is given.
TARGETS: dict[str, Target] = {}
