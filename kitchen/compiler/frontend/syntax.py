"""Documents as written: nodes with positions, and the steps they spell."""

from __future__ import annotations

from dataclasses import dataclass

from kitchen.ir.deployment import NO_DEPLOYMENT, Deployment
from kitchen.ir.frozen import frozen
from kitchen.ir.program import NO_ANNOTATIONS, Annotations
from kitchen.ir.source import Source, Span
from kitchen.ir.spec import Setting


@dataclass(slots=True, unsafe_hash=True)
class Scalar:
    """A scalar: its text, and whether it was written plain (then YAML 1.2 core gives its type).

    There is one for each word of a document. So it holds its place as numbers and makes a span
    when asked for it, and it is not frozen: both together would take four times as long to make.
    """

    text: str
    plain: bool
    source: Source
    start: int
    end: int

    @property
    def span(self) -> Span:
        return Span(self.source, self.start, self.end)


@frozen
class Sequence:
    """A list of nodes."""

    items: tuple[Node, ...]
    span: Span


@frozen
class Mapping:
    """Keys and values in the order written; no key stands twice."""

    items: tuple[tuple[Scalar, Node], ...]
    span: Span

    def get(self, key: str) -> Node | None:
        return next((value for name, value in self.items if name.text == key), None)


Node = Scalar | Sequence | Mapping


@frozen(kw_only=True)
class StageStep:
    """`stage: NAME`. `as_` is one name or several (a list, one per output; or output: name)."""

    stage: Scalar
    inputs: tuple[tuple[Scalar, Scalar], ...] = ()
    with_: tuple[tuple[Scalar, Node], ...] = ()
    as_: tuple[Scalar, ...] = ()
    as_named: tuple[tuple[Scalar, Scalar], ...] = ()
    when: Scalar | None = None
    annotations: Annotations = NO_ANNOTATIONS
    span: Span


@frozen(kw_only=True)
class LoopStep:
    """`loop: VAR`, sequential."""

    variable: Scalar
    over: Scalar | None = None
    while_: Scalar | None = None
    until: Scalar | None = None
    max: Scalar | None = None
    checkpoint: Scalar | None = None
    when: Scalar | None = None
    steps: tuple[Step, ...] = ()
    span: Span


@frozen(kw_only=True)
class MapStep:
    """`map: VAR`, parallel."""

    variable: Scalar
    over: Scalar
    max_parallel: Scalar | None = None
    when: Scalar | None = None
    steps: tuple[Step, ...] = ()
    span: Span


@frozen(kw_only=True)
class IfStep:
    """`if: EXPR` with `then:` and `else:`."""

    condition: Scalar
    then: tuple[Step, ...] = ()
    orelse: tuple[Step, ...] = ()
    span: Span


@frozen(kw_only=True)
class WorkflowStep:
    """`workflow: NAME`: another template, inlined. `as_named` brings its values out by name."""

    workflow: Scalar
    with_: tuple[tuple[Scalar, Node], ...] = ()
    as_named: tuple[tuple[Scalar, Scalar], ...] = ()
    when: Scalar | None = None
    template: Template | None = None  #: filled in by expand
    span: Span


Step = StageStep | LoopStep | MapStep | IfStep | WorkflowStep


@frozen(kw_only=True)
class Declaration:
    """A parameter that a template declares."""

    setting: Setting
    span: Span


@frozen(kw_only=True)
class Template:
    """A workflow template. `span` is its name, `params_span` the key of its parameters."""

    name: str
    doc: str = ""
    params: tuple[Declaration, ...] = ()
    steps: tuple[Step, ...] = ()
    finally_: tuple[Step, ...] = ()
    on_failure: tuple[Step, ...] = ()
    span: Span
    params_span: Span | None = None


@frozen(kw_only=True)
class AdapterBinding:
    """`PORT: ADAPTER` or `PORT: {use: ADAPTER, key: value}`."""

    port: Scalar
    adapter: Scalar
    config: tuple[tuple[Scalar, Node], ...] = ()
    span: Span


@frozen(kw_only=True)
class Recipe:
    """A recipe."""

    name: str
    workflow: Scalar
    params: tuple[tuple[Scalar, Node], ...] = ()
    adapters: tuple[AdapterBinding, ...] = ()
    deployment: Deployment = NO_DEPLOYMENT
    span: Span
