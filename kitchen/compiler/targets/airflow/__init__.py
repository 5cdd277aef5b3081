"""Airflow: one Python file for a DAG, each task of which is `kitchen task`.

`lowering` takes the task graph apart into tasks of Airflow, `dag_file` writes them down.
"""

from __future__ import annotations

from kitchen.compiler.targets.airflow.checks import faults
from kitchen.compiler.targets.airflow.dag_file import dag_file
from kitchen.compiler.targets.airflow.guide import guide
from kitchen.compiler.targets.airflow.lowering import Lowering
from kitchen.compiler.targets.airflow.naming import dag_id
from kitchen.compiler.targets.airflow.pods import config_map
from kitchen.compiler.targets.airflow.settings import Settings
from kitchen.compiler.targets.airflow.whole import kept_whole
from kitchen.compiler.targets.section import validated
from kitchen.compiler.targets.target import Exported, Files, Target
from kitchen.ir.diagnostic import Diagnostic, Severity


def emit(exported: Exported) -> tuple[Files, tuple[Diagnostic, ...]]:
    """The files of an export, and what is wrong with it; with an error there are no files."""
    settings, wrong = validated(Settings, exported.section, code="K530", target="airflow")
    if settings is None:
        return {}, wrong
    units = Lowering(exported.program).whole(exported.graph)
    found = tuple(faults(exported, units, settings))
    if any(each.severity is Severity.ERROR for each in found):
        return {}, found
    files = {f"{dag_id(exported.program.name)}.py": dag_file(exported, units, settings).encode()}
    if settings.operator == "kubernetes":
        files["configmap.yaml"] = config_map(exported, settings)
    return files, found


TARGET = Target(
    name="airflow",
    doc="Airflow 2.9 to 3.x: a DAG in one Python file.",
    whole=kept_whole,
    emit=emit,
    guide=guide,
)
