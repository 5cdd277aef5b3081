"""Ports: that the stages which will run find behind each the adapter they need."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kitchen.compiler.checks.effects import leaves_something
from kitchen.compiler.checks.places import expression_span, place, places, stages, top_key
from kitchen.compiler.checks.removed import removals
from kitchen.ir.diagnostic import Diagnostic, Severity, closest, did_you_mean
from kitchen.ir.expr import Const
from kitchen.ir.program import Binding, Program, Stage
from kitchen.ir.spec import AdapterSpec, PortUse, Registry, StageSpec

_SETTING = re.compile(r"\{(\w+)\}")


def unbound_ports(program: Program, registry: Registry, original: Program) -> Iterator[Diagnostic]:
    """Report each port that a stage needs and the recipe binds to nothing."""
    written = {binding.port for binding in program.bindings}
    misspelled = {closest(port, registry.adapters) for port in written - registry.adapters.keys()}
    told = written | misspelled
    for op, _, use in _uses(program, registry):
        if use.port in told:
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
    for op, spec, use in _uses(program, registry):
        binding = bound.get(use.port)
        adapter = registry.adapters.get(use.port, {}).get(binding.adapter) if binding else None
        for pattern in () if adapter is None else use.capabilities:
            wanted = _capability(op, spec, pattern)
            assert binding is not None
            assert adapter is not None
            if wanted is None or wanted in adapter.capabilities or (op.stage, wanted) in told:
                continue
            told.add((op.stage, wanted))
            yield _lacking(op, use, pattern, wanted, binding, adapter, registry)


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
        for use in () if spec is None else spec.ports:
            yield op, spec, use  # type: ignore[misc]


def _capability(op: Stage, spec: StageSpec, pattern: str) -> str | None:
    """A capability with its settings put in; None where one is known only in a run."""
    wanted = pattern
    for name in _SETTING.findall(pattern):
        expr, setting = dict(op.config).get(name), spec.setting(name)
        if isinstance(expr, Const):
            value = expr.value
        elif expr is None and setting is not None:
            value = setting.default
        else:
            return None
        wanted = wanted.replace(f"{{{name}}}", str(value))
    return wanted


def _lacking(
    op: Stage,
    use: PortUse,
    pattern: str,
    wanted: str,
    binding: Binding,
    adapter: AdapterSpec,
    registry: Registry,
) -> Diagnostic:
    named = (dict(op.config).get(name) for name in _SETTING.findall(pattern))
    spans = (expression_span(expr, op.span) for expr in named if expr is not None)
    able = sorted(
        name
        for name, other in registry.adapters.get(use.port, {}).items()
        if wanted in other.capabilities
    )
    others = " or ".join(f"`{use.port}: {name}`" for name in able)
    alike = {known for known in adapter.capabilities if _family(known) == _family(wanted)}
    return Diagnostic(
        "K307",
        f"the adapter `{adapter.name}` cannot do `{wanted}`, which `{op.stage}` asks for",
        place(next(spans, op.span), "asked for here"),
        places(place(binding.span, f"`{adapter.name}` is bound to `{use.port}` here")),
        f"bind {others}" if others else did_you_mean(wanted, alike),
    )


def _family(capability: str) -> str:
    return capability.partition(".")[0]
