"""Workflow steps: another template, inlined, with a scope of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from kitchen.compiler.build.scope import Names, Scope
from kitchen.compiler.frontend.expression import parse_setting
from kitchen.compiler.frontend.settings import check_setting
from kitchen.compiler.frontend.syntax import Declaration, Scalar, Template, WorkflowStep
from kitchen.ir.diagnostic import Diagnostic, Label, did_you_mean
from kitchen.ir.expr import Const, Ref, Value
from kitchen.ir.program import Op
from kitchen.ir.source import Span
from kitchen.ir.types import UNKNOWN, Kind, accepts

if TYPE_CHECKING:
    from kitchen.compiler.build.steps import Builder
    from kitchen.ir.expr import Expr


def build_workflow(step: WorkflowStep, scope: Scope, build: Builder) -> tuple[Op, ...]:
    """The ops of an inlined template. It sees its own parameters and nothing else of `scope`."""
    template = step.template
    if template is None:  # reported where it was looked for
        build.names.poisoned = True
        return ()
    name = build.op_name(PurePath(step.workflow.text).stem)
    inner = build.inner(name + "/")
    inside = Scope(names=_parameters(step, template, scope, build))
    inside.unread = set(inside.names)
    declared = {declaration.setting.name: declaration.span for declaration in template.params}
    build.names.inlined.append((inside, declared, step.workflow.span))
    ops = inner.steps(template.steps, inside)
    inner.finally_.append((inner, template.finally_, inside))
    inner.on_failure.append((inner, template.on_failure, inside))
    for inside_name, outside_name in step.as_named:
        found = inside.names.get(inside_name.text)
        if found is None:
            _unknown_output(inside_name.text, inside_name.span, template, inside, build)
            found = Ref(Value(outside_name.text, -1, UNKNOWN), outside_name.span)
        scope.names[outside_name.text] = found
        build.names.defined[outside_name.text] = outside_name.span
    return ops


def unread_parameters(names: Names) -> Iterator[Diagnostic]:
    """Report parameters of inlined templates that none of their steps reads, each once."""
    told: set[Span] = set()
    for inside, declared, inlined in names.inlined:
        for name in sorted(inside.unread):
            if not names.poisoned and declared[name] not in told:
                told.add(declared[name])
                yield Diagnostic(
                    "K125",
                    f"nothing reads the parameter `{name}`",
                    Label(declared[name], "declared here, read nowhere"),
                    (Label(inlined, "inlined here"),),
                    f"read it in a step: `${{{name}}}`, or take it out of `params:`",
                )


def _parameters(
    step: WorkflowStep, template: Template, scope: Scope, build: Builder
) -> dict[str, Expr]:
    """What each parameter of the template stands for: what `with:` gives, or its default."""
    given = {key.text: (key, node) for key, node in step.with_}
    declared = {declaration.setting.name: declaration for declaration in template.params}
    for key, _ in step.with_:
        if key.text not in declared:
            build.names.report(_unknown(key, template, declared))

    def read(name: str, span: Span) -> Expr:
        return build.names.read(scope, name, span)

    values: dict[str, Expr] = {}
    for name, declaration in declared.items():
        setting = declaration.setting
        if name in given:
            values[name] = parse_setting(given[name][1], read, build.names.report, setting.type)
            if isinstance(values[name], Const) and values[name].type.kind is not Kind.UNKNOWN:
                values[name] = _checked(values[name], declaration, build)
            elif not accepts(setting.type, values[name].type):
                _wrong_type(name, values[name], step, declaration.span, str(setting.type), build)
        elif setting.required:
            _missing(name, step, declaration.span, build)
            values[name] = Const(None, UNKNOWN, step.workflow.span)
        else:
            values[name] = Const(setting.default, setting.type, declaration.span)
    return values


def _unknown(key: Scalar, template: Template, declared: Collection[str]) -> Diagnostic:
    return Diagnostic(
        "K150",
        f"the workflow `{template.name}` has no parameter `{key.text}`",
        Label(key.span, "unknown parameter"),
        (Label(template.span, "its parameters are declared here"),),
        did_you_mean(key.text, declared),
    )


def _checked(given: Expr, declaration: Declaration, build: Builder) -> Expr:
    """A value known now, as the parameter holds it; one that does not fit is reported."""
    assert isinstance(given, Const)
    setting, faults = declaration.setting, list[Diagnostic]()
    value = check_setting(
        setting, given.value, given.span, faults.append, declared=declaration.span
    )
    for fault in faults:
        build.names.report(fault)
    return replace(given, value=value, type=UNKNOWN if faults else setting.type)


def _missing(name: str, step: WorkflowStep, declared: Span, build: Builder) -> None:
    build.names.report(
        Diagnostic(
            "K151",
            f"`{step.workflow.text}` needs the parameter `{name}`",
            Label(step.workflow.span, f"`{name}` is not given here"),
            (Label(declared, "declared here, without a default"),),
            f"add `{name}:` under `with:`",
        )
    )


def _wrong_type(
    name: str, given: Expr, step: WorkflowStep, declared: Span, wanted: str, build: Builder
) -> None:
    build.names.report(
        Diagnostic(
            "K152",
            f"the parameter `{name}` takes a {wanted}",
            Label(given.span or step.workflow.span, f"this is a {given.type}"),
            (Label(declared, "declared here"),),
            f"give `{name}` a {wanted}",
        )
    )


def _unknown_output(
    name: str, span: Span, template: Template, inside: Scope, build: Builder
) -> None:
    build.names.report(
        Diagnostic(
            "K108",
            f"the workflow `{template.name}` makes no value `{name}`",
            Label(span, "not made there"),
            (Label(template.span, "the workflow"),),
            did_you_mean(name, inside.names),
        )
    )
