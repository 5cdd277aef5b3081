"""Stage steps: what is given to a stage, and what its outputs are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitchen.compiler.build.defines import input_names, output_names
from kitchen.compiler.build.scope import Names, Scope
from kitchen.compiler.frontend.expression import parse_setting
from kitchen.compiler.frontend.syntax import Node, Scalar, StageStep
from kitchen.ir.diagnostic import Diagnostic, Label, closest, did_you_mean
from kitchen.ir.expr import Const, Expr, Ref, Value
from kitchen.ir.program import Stage
from kitchen.ir.source import Span
from kitchen.ir.spec import Effect, Input, Registry, StageSpec
from kitchen.ir.types import NONE, UNKNOWN, Kind, accepts

if TYPE_CHECKING:
    from kitchen.compiler.build.steps import Builder


def build_stage(step: StageStep, scope: Scope, build: Builder) -> Stage | None:
    """One call of a stage, its outputs defined in `scope`; None if there is no such stage."""
    names = build.names
    spec = build.registry.stages.get(step.stage.text)
    if spec is None:
        _unknown_stage(step, scope, names, build.registry)
        return None
    inputs, versions = _inputs(step, spec, scope, names)
    config = tuple((key.text, _setting(key, node, spec, scope, names)) for key, node in step.with_)
    _check_outputs(step, spec, names)
    outputs = [
        build.define(name, type_, span, scope)
        for (name, span), (_, type_) in zip(output_names(step, spec), spec.outputs, strict=True)
    ]
    _note_origin(spec, inputs, outputs, names)
    for name, old, span, closes in versions:
        names.consume(old, span, closing=closes)
        outputs.append(build.define(name, old.type, span, scope))
        if closes:
            names.consume(outputs[-1], span, closing=True)
    return Stage(
        name=build.op_name(spec.name),
        stage=spec.name,
        inputs=inputs,
        config=config,
        outputs=tuple(outputs),
        annotations=step.annotations,
        span=step.stage.span,
    )


Versions = list[tuple[str, Value, Span, bool]]


def _inputs(
    step: StageStep, spec: StageSpec, scope: Scope, names: Names
) -> tuple[tuple[tuple[str, Expr], ...], Versions]:
    given = input_names(step)
    known = {wanted.name for wanted in spec.inputs}
    for name, value in step.inputs:
        if name.text not in known:
            meant = closest(name.text, known)
            if meant is not None:  # bound as it was meant: one slip is one fault
                given.setdefault(meant, value)
            names.report(
                Diagnostic(
                    "K103",
                    f"`{spec.name}` has no input `{name.text}`",
                    Label(name.span, "unknown input"),
                    (),
                    did_you_mean(name.text, known),
                )
            )
    bound: list[tuple[str, Expr]] = []
    versions: Versions = []
    for wanted in spec.inputs:
        scalar = given.get(wanted.name)
        expr = _input(wanted, scalar, step, scope, names)
        if expr is None:
            continue
        bound.append((wanted.name, expr))
        if wanted.mutable:
            span = step.stage.span if scalar is None else scalar.span
            bound_name = wanted.name if scalar is None else scalar.text
            old = expr.value if isinstance(expr, Ref) else Value(bound_name, -1, UNKNOWN)
            versions.append((bound_name, old, span, wanted.closes))
    return tuple(bound), versions


def _input(
    wanted: Input, scalar: Scalar | None, step: StageStep, scope: Scope, names: Names
) -> Expr | None:
    """What an input reads. None: nobody makes it, which the checks report from the program."""
    if scalar is not None:
        return names.read(scope, scalar.text, scalar.span)
    if scope.lookup(wanted.name) is not None:
        found = names.read(scope, wanted.name, step.stage.span)
        if names.poisoned and not accepts(wanted.type, found.type):
            return Ref(Value(wanted.name, -1, UNKNOWN), step.stage.span)  # what was meant is lost
        return found
    if not wanted.required:
        return Const(None, NONE, step.stage.span)
    if wanted.name in names.expected or names.poisoned:
        return names.read(scope, wanted.name, step.stage.span)
    return None


def _note_origin(
    spec: StageSpec, inputs: tuple[tuple[str, Expr], ...], made: list[Value], names: Names
) -> None:
    """Note which handles were made from which: they are out of date when those are updated."""
    handles = [value for value in made if value.type.required.kind is Kind.HANDLE]
    if spec.effect is Effect.PURE or not handles:
        return
    for _, expr in inputs:
        if isinstance(expr, Ref) and expr.type.required.kind is Kind.HANDLE:
            names.made_from.setdefault(expr.value, set()).update(handles)


def _setting(key: Scalar, node: Node, spec: StageSpec, scope: Scope, names: Names) -> Expr:
    setting = spec.setting(key.text)
    expected = setting.type if setting is not None else None

    def read(name: str, span: Span) -> Expr:
        return names.read(scope, name, span)

    return parse_setting(node, read, names.report, expected)


def _check_outputs(step: StageStep, spec: StageSpec, names: Names) -> None:
    declared = [name for name, _ in spec.outputs]
    if len(step.as_) > len(declared):
        extra = step.as_[len(declared)]
        gives = ", ".join(f"`{name}`" for name in declared) or "nothing"
        names.report(
            Diagnostic(
                "K107",
                f"`{spec.name}` has no output for the name `{extra.text}`",
                Label(extra.span, "one name too many"),
                (),
                f"`{spec.name}` gives {gives}",
            )
        )
    for output, _ in step.as_named:
        if output.text not in declared:
            names.report(
                Diagnostic(
                    "K107",
                    f"`{spec.name}` has no output `{output.text}`",
                    Label(output.span, "unknown output"),
                    (),
                    did_you_mean(output.text, declared),
                )
            )


def _unknown_stage(step: StageStep, scope: Scope, names: Names, registry: Registry) -> None:
    names.report(
        Diagnostic(
            "K101",
            f"there is no stage `{step.stage.text}`",
            Label(step.stage.span, "unknown stage"),
            (),
            did_you_mean(step.stage.text, registry.stages) or "`kitchen list stages` lists them",
        )
    )
    # What it would have defined is not known: names that stay unresolved are its fault, not theirs.
    names.poisoned = True
    for name in (*step.as_, *(scalar for _, scalar in step.as_named)):
        scope.names[name.text] = Ref(Value(name.text, -1, UNKNOWN), name.span)
