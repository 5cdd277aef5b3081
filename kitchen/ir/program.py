"""Programs: structured, single-assignment, immutable, equal by content.

Spans ride along and do not count in comparison.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from kitchen.ir.expr import Expr, Value
from kitchen.ir.frozen import frozen
from kitchen.ir.source import Span


@frozen
class Retry:
    """How often a failed stage is tried again, and how long to wait: seconds, doubling, capped."""

    times: int
    backoff: float = 1.0
    max_backoff: float = 60.0


@frozen
class Resources:
    """What a stage asks of the machine it runs on."""

    cpu: float | None = None
    memory: str | None = None
    gpu: int | None = None
    nodes: int | None = None


@frozen
class Annotations:
    """What a step says about how it is to be run, none of which changes what it computes."""

    retry: Retry | None = None
    timeout: float | None = None  #: seconds
    resources: Resources | None = None
    cache: bool | None = None
    image: str | None = None


NO_ANNOTATIONS = Annotations()


@frozen(kw_only=True)
class Region:
    """Ops in order. `params` enter, `results` leave; values of the regions around are in sight."""

    params: tuple[Value, ...] = ()
    ops: tuple[Op, ...] = ()
    results: tuple[Expr, ...] = ()


EMPTY = Region()


@frozen(kw_only=True)
class Stage:
    """One call of a stage: values in, values out.

    `outputs` are the declared outputs, then the next version of each mutable input.
    """

    name: str
    stage: str
    inputs: tuple[tuple[str, Expr], ...] = ()
    config: tuple[tuple[str, Expr], ...] = ()
    outputs: tuple[Value, ...] = ()
    annotations: Annotations = NO_ANNOTATIONS
    span: Span | None = field(default=None, compare=False, repr=False)


@frozen(kw_only=True)
class Loop:
    """Run `body` again and again, in sequence.

    `body.params` are the loop variable, if `over` is given, and then the carried values, which
    start as `carry` and come round as `body.results`; the last ones are `outputs`. The loop ends
    when `over` is used up, when `while_` (read before an iteration, of `body.params`) is false,
    when `until` (read after an iteration, of values of the body) is true, or after `max`
    iterations. `checkpoint` is the number of iterations between checkpoints; 0 is never.
    """

    name: str
    over: Expr | None = None
    while_: Expr | None = None
    until: Expr | None = None
    max: Expr | None = None
    checkpoint: Expr | None = None
    carry: tuple[Expr, ...] = ()
    body: Region = EMPTY
    outputs: tuple[Value, ...] = ()
    span: Span | None = field(default=None, compare=False, repr=False)


@frozen(kw_only=True)
class Map:
    """Run `body` for each item of a list, in parallel; each result comes back as a list, in order.

    `body.params` is the item. Nothing is carried.
    """

    name: str
    over: Expr
    max_parallel: Expr | None = None
    body: Region = EMPTY
    outputs: tuple[Value, ...] = ()
    span: Span | None = field(default=None, compare=False, repr=False)


@frozen(kw_only=True)
class Branch:
    """Run one of two regions; `outputs` are the results of the one that was run."""

    name: str
    condition: Expr
    then: Region = EMPTY
    orelse: Region = EMPTY
    outputs: tuple[Value, ...] = ()
    span: Span | None = field(default=None, compare=False, repr=False)


Op = Stage | Loop | Map | Branch


class Origin(StrEnum):
    """Who gave a parameter its value."""

    DEFAULT = "default"
    RECIPE = "recipe"
    SET = "--set"


@frozen(kw_only=True)
class Parameter:
    """A parameter of the workflow with the value it has in this program."""

    value: Value
    setting: object
    origin: Origin = Origin.DEFAULT
    doc: str = ""
    span: Span | None = field(default=None, compare=False, repr=False)  #: where it was set
    declared: Span | None = field(default=None, compare=False, repr=False)  #: in the template


@frozen(kw_only=True)
class Binding:
    """The adapter a recipe puts behind a port, with its settings."""

    port: str
    adapter: str
    config: tuple[tuple[str, object], ...] = ()
    span: Span | None = field(default=None, compare=False, repr=False)


@frozen(kw_only=True)
class Removal:
    """An op that a rewrite took out, and why."""

    op: str
    stage: str
    rewrite: str
    reason: str
    span: Span | None = field(default=None, compare=False, repr=False)


@frozen(kw_only=True)
class Program:
    """A whole workflow.

    `finally_` runs whatever happened, `on_failure` when an op of the body failed. Their `params`
    are what they read of the body: each stands for the latest version made by the time they run,
    by name, and a stage there whose input was never made is skipped.
    """

    name: str
    workflow: str = ""
    params: tuple[Parameter, ...] = ()
    body: Region = EMPTY
    on_failure: Region = EMPTY
    finally_: Region = EMPTY
    bindings: tuple[Binding, ...] = ()
    removed: tuple[Removal, ...] = field(default=(), compare=False)
    span: Span | None = field(default=None, compare=False, repr=False)
