"""What a recipe says of engines changes nothing that is computed."""

from __future__ import annotations

import json

from kitchen.compiler.compile import compile_recipe
from kitchen.compiler.plan import plan_of
from kitchen.ir.deployment import NO_DEPLOYMENT
from kitchen.ir.serde import digest
from kitchen.ir.source import Source
from kitchen.runtime.plugins import installed

RECIPE = """\
kitchen: 1
recipe: night
workflow: supervised
params: {model: nano, dataset: ./chat.jsonl}
adapters: {training: noop, datasets: files, metrics: parquet}
"""
DEPLOYED = RECIPE + 'schedule: "@daily"\ntargets: {argo: {namespace: training}}\n'


def test_neither_digest_nor_plan_change() -> None:
    known = installed()
    plain, deployed = (compile_recipe(Source("r.yaml", text), known) for text in (RECIPE, DEPLOYED))
    assert digest(deployed.program) == digest(plain.program)
    plans = [json.dumps(plan_of(found.program, known, ())) for found in (plain, deployed)]
    assert plans[0] == plans[1]
    assert plain.deployment == NO_DEPLOYMENT
    assert deployed.deployment.schedule is not None
    assert list(deployed.deployment.sections) == ["argo"]
