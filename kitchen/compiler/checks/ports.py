"""Ports: that the stages which will run find behind each the adapter they need."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kitchen.compiler.checks.effects import leaves_something
from kitchen.compiler.checks.places import expression_span, place, places, stages, top_key
from kitchen.compiler.checks.removed import removals
from kitchen.compiler.checks.ruled_out import unsure
from kitchen.ir.diagnostic import Diagnostic, Severity, closest, did_you_mean
from kitchen.ir.expr import Const
from kitchen.ir.program import Binding, Program, Stage
from kitchen.ir.spec import AdapterSpec, PortUse, Registry, StageSpec
from kitchen.ir.types import Kind

_SETTING = re.compile(r"\{(\w+)\}")


def unbound_ports(program: Program, registry: Registry, original: Program) -> Iterator[Diagnostic]:
    """Report each port that a stage needs and the recipe binds to nothing."""
    written = {binding.port for binding in program.bindings}
    misspelled = {closest(port, registry.adapters) for port in written - registry.adapters.keys()}
    told, skipped = written | misspelled, unsure(original)
    for op, _, use in _uses(program, registry):
        if use.port in told or op.name in skipped:
            continue
        told.add(use.port)
        known = sorted(registry.adapters.get(use.port, ()))
        lines = " or ".join(f"`{use.port}: {name}`" for name in known) or f"`{use.port}: ...`"
        yield Diagnostic(
            "K306",
            f"`{op.stage}` needs the port `{use.port}`, which nothing is bound to",
            place(op.span, f"reaches the world through `{use.port}`"),
            places(place(top_key("adapters", program), f"`{use.port}` is not among these")),
            f"add {lines} under `adapters:`",
        )


def capabilities(program: Program, registry: Registry, original: Program) -> Iterator[Diagnostic]:
    """Report what a stage asks of its port and the adapter behind it does not do."""
    bound = {binding.port: binding for binding in program.bindings}
    told: set[tuple[str, str]] = set()
    skipped = unsure(original)
    for op, spec, use in _uses(program, registry):
        binding = bound.get(use.port)
        if binding is None or not use.capabilities or op.name in skipped:
            continue
        adapters = registry.adapters.get(use.port, {})
        adapter = adapters.get(binding.adapter)
        for pattern in () if adapter is None else use.capabilities:
            wanted = _capability(op, spec, pattern)
            if wanted is None or adapter is None or wanted in adapter.capabilities:
                continue
            if (op.stage, wanted) not in told:
                told.add((op.stage, wanted))
                others = sorted(adapters.keys() - {binding.adapter})
                yield _lacking(op, pattern, wanted, binding, adapter, others)


def unused_adapters(
    program: Program, registry: Registry, original: Program
) -> Iterator[Diagnostic]:
    """Warn of adapters behind ports that no stage which will run needs."""
    if not leaves_something(program, registry):
        return
    needed = {use.port for _, _, use in _uses(program, registry)}
    removed = {
        use.port: removal
        for stage, removal in removals(program, original)
        for use in registry.stages[stage.stage].ports
    }
    for binding in program.bindings:
        if binding.port in needed or binding.port not in registry.adapters:
            continue
        removal = removed.get(binding.port)
        yield Diagnostic(
            "K308",
            f"no step that runs needs the port `{binding.port}`",
            place(binding.span, f"`{binding.adapter}` is bound here and not used"),
            places(place(removal.span, f"removed: {removal.reason}") if removal else None),
            f"take `{binding.port}` out of `adapters:`",
            Severity.WARNING,
        )


def _uses(program: Program, registry: Registry) -> Iterator[tuple[Stage, StageSpec, PortUse]]:
    for op in stages(program):
        spec = registry.stages.get(op.stage)
        if spec is not None:
            yield from ((op, spec, use) for use in spec.ports)


def _capability(op: Stage, spec: StageSpec, pattern: str) -> str | None:
    """A capability with its settings put in; None where one is known only in a run."""
    wanted = pattern
    for name in _SETTING.findall(pattern):
        expr, setting = dict(op.config).get(name), spec.setting(name)
        if isinstance(expr, Const):
            if expr.type.kind is Kind.UNKNOWN:  # at fault where it was given
                return None
            value = expr.value
        elif expr is None and setting is not None:
            value = setting.default
        else:
            return None
        wanted = wanted.replace(f"{{{name}}}", str(value))
    return wanted


def _lacking(
    op: Stage, pattern: str, wanted: str, binding: Binding, adapter: AdapterSpec, others: list[str]
) -> Diagnostic:
    named = (dict(op.config).get(name) for name in _SETTING.findall(pattern))
    spans = (expression_span(expr, op.span) for expr in named if expr is not None)
    alike = {known for known in adapter.capabilities if _family(known) == _family(wanted)}
    if closest(wanted, alike) is None and others:
        # Whether they can is for them to say: looking would import what the recipe does not name.
        help = "bind another: " + " or ".join(f"`{binding.port}: {name}`" for name in others)
    else:
        help = did_you_mean(wanted, alike) or ""
    return Diagnostic(
        "K307",
        f"the adapter `{adapter.name}` cannot do `{wanted}`, which `{op.stage}` asks for",
        place(next(spans, op.span), "asked for here"),
        places(place(binding.span, f"`{adapter.name}` is bound to `{binding.port}` here")),
        help or None,
    )


def _family(capability: str) -> str:
    return capability.partition(".")[0]
