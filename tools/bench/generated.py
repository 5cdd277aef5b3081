"""Recipes of any size, and the stages they name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kitchen.ir.source import Source
from kitchen.ir.spec import Effect, Registry
from kitchen.runtime.config import Config
from kitchen.runtime.stage import stage

RECIPE = Source("generated.yaml", "kitchen: 1\nrecipe: generated\nworkflow: generated\n")


class AddConfig(Config):
    """Settings of `add`."""

    amount: int = 1
    label: str = ""


@stage(effect=Effect.PURE)
def add(x: int, *, config: AddConfig) -> int:
    """A number, and `amount` more."""
    return x + config.amount


class StartConfig(Config):
    """Settings of `start`."""

    at: int


@stage(effect=Effect.READS)
def start(*, config: StartConfig) -> int:
    """A number to begin with, which nobody knows before the run."""
    return config.at


@stage(effect=Effect.WRITES)
def tell(x: int) -> None:
    """Told of a number, so that what made it matters."""


STAGES: Mapping[str, Any] = {"add": add, "start": start, "tell": tell}


def chain(count: int) -> str:
    """A template of `count` stages, each on the one before: some 170 bytes and 7 lines each."""
    steps = "".join(
        f"""\
  - stage: add
    # step {index} of the chain, with a setting that differs from all the others
    as: v{index + 1}
    in:
      x: v{index}
    with:
      amount: {index % 97}
      label: "step-{index}"
"""
        for index in range(1, count - 1)
    )
    return f"""\
kitchen: 1
workflow: generated
params:
  at: {{type: int, default: 0}}
steps:
  - stage: start
    as: v1
    with: {{at: "${{at}}"}}
{steps}  - stage: tell
    in: {{x: v{count - 1}}}
"""


def registry(template: str) -> Registry:
    """What a generated recipe may name: the stages above and one template."""
    return Registry(
        stages={name: function.spec for name, function in STAGES.items()},
        workflows={"generated": Source("workflows/generated.yaml", template)},
    )


def rounds(count: int, stages: int) -> str:
    """A template whose loop takes `count` rounds of `stages` stages, each on the one before."""
    steps = "".join(
        f"""\
      - stage: add
        as: v
        in: {{x: v}}
        with: {{amount: {index}}}
"""
        for index in range(stages)
    )
    return f"""\
kitchen: 1
workflow: generated
params:
  at: {{type: int, default: 0}}
steps:
  - stage: start
    as: v
    with: {{at: "${{at}}"}}
  - loop: turn
    over: range({count})
    steps:
{steps}  - stage: tell
    in: {{x: v}}
"""


def task_chain(count: int) -> str:
    """A template of `count` stages that are a task each: they ask for machines in turn."""
    steps = "".join(
        f"""\
  - stage: add
    as: v{index + 1}
    in: {{x: v{index}}}
    with: {{amount: {index % 97}}}
    resources: {{cpu: {1 + index % 2}}}
"""
        for index in range(1, count - 1)
    )
    return f"""\
kitchen: 1
workflow: generated
params:
  at: {{type: int, default: 0}}
steps:
  - stage: start
    as: v1
    with: {{at: "${{at}}"}}
    resources: {{cpu: 1}}
{steps}  - stage: tell
    in: {{x: v{count - 1}}}
    resources: {{cpu: {1 + (count - 1) % 2}}}
"""
