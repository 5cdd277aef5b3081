"""Templates by the names that recipes and other templates give them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from kitchen.compiler.frontend.parse import parse_template
from kitchen.compiler.frontend.reader import load
from kitchen.compiler.frontend.report import Report, fault, short
from kitchen.compiler.frontend.syntax import (
    IfStep,
    LoopStep,
    MapStep,
    Scalar,
    Step,
    Template,
    WorkflowStep,
)
from kitchen.ir.diagnostic import did_you_mean
from kitchen.ir.source import Source
from kitchen.ir.spec import Registry

MAX_DEPTH = 16
MAX_STEPS = 100_000


class Templates:
    """Finds templates, each read once, with those they inline attached to their steps."""

    def __init__(self, registry: Registry, report: Report) -> None:
        self.registry, self.report = registry, report
        self.known: dict[str, Template | None] = {}
        self.steps: dict[str, int] = {}  #: how many steps a template has when all is inlined
        self.open: dict[str, Scalar] = {}  #: the templates being read, by who named them

    def find(self, named: Scalar) -> Template | None:
        """The template a scalar names; None, reported, where there is none."""
        source, key = self._source(named)
        return None if source is None else self._found(source, key, named)

    def _found(self, source: Source, key: str, named: Scalar) -> Template | None:
        if key in self.open:
            message = f"the workflow `{named.text}` inlines itself"
            chain = [(scalar.span, "on the way here") for scalar in self.open.values()][1:]
            help = "take this step out, or write a `loop`"
            self.report(fault("K041", message, named.span, "back again", also=chain, help=help))
            return None
        if key not in self.known:
            self.known[key] = self._read(source, key, named)
        return self.known[key]

    def _read(self, source: Source, key: str, named: Scalar) -> Template | None:
        if len(self.open) >= MAX_DEPTH:
            message = f"workflows may stand {MAX_DEPTH} deep in each other, these stand deeper"
            self.report(fault("K042", message, named.span, help="inline less"))
            return None
        template, diagnostics = parse_template(source)
        for diagnostic in diagnostics:
            self.report(diagnostic)
        if template is None:
            return None
        self.open[key] = named
        self.steps[key] = 0
        attached = replace(
            template,
            steps=self._attached(template.steps, key),
            finally_=self._attached(template.finally_, key),
            on_failure=self._attached(template.on_failure, key),
        )
        del self.open[key]
        if self.steps[key] > MAX_STEPS:
            message = f"`{named.text}` has more than {MAX_STEPS:,} steps when all is inlined"
            self.report(fault("K042", message, named.span, help="inline less"))
            return None
        return attached

    def _attached(self, steps: tuple[Step, ...], key: str) -> tuple[Step, ...]:
        """The same steps, with the templates of `workflow` steps in them."""
        self.steps[key] += len(steps)
        return tuple(self._step(step, key) for step in steps)

    def _step(self, step: Step, key: str) -> Step:
        match step:
            case WorkflowStep():
                source, inner = self._source(step.workflow)
                if source is None:
                    return step
                template = self._found(source, inner, step.workflow)
                self.steps[key] += 0 if template is None else self.steps[inner]
                return replace(step, template=template)
            case LoopStep() | MapStep():
                return replace(step, steps=self._attached(step.steps, key))
            case IfStep():
                then, orelse = self._attached(step.then, key), self._attached(step.orelse, key)
                return replace(step, then=then, orelse=orelse)
        return step

    def _source(self, named: Scalar) -> tuple[Source | None, str]:
        """The text of a template, and what tells it from the others."""
        text = named.text
        if text in self.registry.workflows:
            return self.registry.workflows[text], text
        if not (text.endswith((".yaml", ".yml")) or text.startswith(".")):
            message = f"there is no workflow `{short(text)}`"
            help = did_you_mean(text, self.registry.workflows)
            help = help or "name a shipped workflow, or a file: `./workflow.yaml`"
            self.report(fault("K040", message, named.span, "unknown workflow", help=help))
            return None, ""
        path = Path(named.span.source.name).parent / text
        source, diagnostics = load(path, named_at=named.span)
        for diagnostic in diagnostics:
            self.report(diagnostic)
        return source, "" if source is None else os.path.realpath(path)
