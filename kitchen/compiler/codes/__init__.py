"""Every code a diagnostic may carry: one module per family, one entry per code.

K0 documents, K1 names, K2 types, K3 ports and adapters, K4 control flow, K5 targets, K6 data,
K7 runs. A code keeps its meaning for ever; a new fault takes the next free number of its ten.
"""

from __future__ import annotations

from collections.abc import Mapping

from kitchen.compiler.codes import (
    airflow,
    argo,
    command_line,
    control,
    data,
    document,
    expressions,
    names,
    parameters,
    ports,
    run,
    targets,
    tasks,
    text,
    types,
)
from kitchen.compiler.codes.code import Code

FAMILIES = (
    text,
    document,
    command_line,
    names,
    parameters,
    types,
    expressions,
    ports,
    control,
    targets,
    tasks,
    argo,
    airflow,
    data,
    run,
)

CODES: Mapping[str, Code] = {entry.code: entry for family in FAMILIES for entry in family.CODES}

__all__ = ["CODES", "Code"]
