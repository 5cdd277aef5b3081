"""Argo Workflows 3.7 and 4.x: a workflow, the plan in a ConfigMap, and the rights of its pods."""

from __future__ import annotations

from kitchen.compiler.targets.argo.files import emit
from kitchen.compiler.targets.argo.guide import guide
from kitchen.compiler.targets.argo.whole import whole
from kitchen.compiler.targets.target import Target

TARGET = Target(
    name="argo",
    doc="A workflow for Argo Workflows 3.7 and 4.x, on Kubernetes.",
    whole=whole,
    emit=emit,
    guide=guide,
)
