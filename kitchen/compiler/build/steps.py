"""Steps to ops: the builder of regions, and branches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from kitchen.compiler.build.inline import build_workflow
from kitchen.compiler.build.loops import build_loop, build_map
from kitchen.compiler.build.presence import present
from kitchen.compiler.build.scope import Names, Scope
from kitchen.compiler.build.stages import build_stage
from kitchen.compiler.frontend.expression import parse_expression
from kitchen.compiler.frontend.syntax import IfStep, LoopStep, MapStep, Scalar, StageStep, Step
from kitchen.ir.expr import Const, Expr, Ref, Value
from kitchen.ir.program import Branch, Op, Region
from kitchen.ir.source import Span
from kitchen.ir.spec import Registry
from kitchen.ir.types import NONE, Type, join


@dataclass(slots=True)
class Builder:
    """Builds the regions of one template. `prefix` sets the names of an inlined one apart."""

    names: Names
    registry: Registry
    prefix: str = ""
    finally_: list[tuple[Builder, tuple[Step, ...], Scope]] = field(default_factory=list)
    on_failure: list[tuple[Builder, tuple[Step, ...], Scope]] = field(default_factory=list)

    def inner(self, prefix: str) -> Builder:
        """A builder for a template inlined into this one; what ends it, ends the whole."""
        return replace(self, prefix=prefix)

    def steps(self, steps: Iterable[Step], scope: Scope) -> tuple[Op, ...]:
        """The ops of steps, their names defined in `scope`."""
        return tuple(op for step in steps for op in self._step(step, scope))

    def expression(self, scalar: Scalar, scope: Scope) -> Expr:
        def read(name: str, span: Span) -> Expr:
            return self.names.read(scope, name, span)

        return parse_expression(scalar, read, self.names.report)

    def optional(self, scalar: Scalar | None, scope: Scope) -> Expr | None:
        return None if scalar is None else self.expression(scalar, scope)

    def op_name(self, name: str) -> str:
        return self.names.op_name(self.prefix + name)

    def define(self, name: str, type_: Type, span: Span, scope: Scope) -> Value:
        """Give a name its next value in a scope."""
        value = self.names.new(self.prefix + name, type_)
        scope.names[name] = Ref(value, span)
        self.names.defined[name] = span
        return value

    def _step(self, step: Step, scope: Scope) -> tuple[Op, ...]:
        if isinstance(step, IfStep):
            return (self._branch("if", step.condition, step.then, step.orelse, scope),)
        if step.when is not None:
            plain = replace(step, when=None)
            return (self._branch(f"when_{_noun(step)}", step.when, (plain,), (), scope),)
        match step:
            case StageStep():
                op = build_stage(step, scope, self)
                return () if op is None else (op,)
            case LoopStep():
                return (build_loop(step, scope, self),)
            case MapStep():
                return (build_map(step, scope, self),)
            case _:
                return build_workflow(step, scope, self)

    def _branch(
        self,
        name: str,
        condition: Scalar,
        then: tuple[Step, ...],
        orelse: tuple[Step, ...],
        scope: Scope,
    ) -> Branch:
        """A branch. What an arm gives a name, the name has after; else what it had before."""
        test = self.expression(condition, scope)
        op_name = self.op_name(name)
        arms = [Scope(Scope(scope, present(test, taken, scope))) for taken in (True, False)]
        before = dict(self.names.consumed)
        then_ops = self.steps(then, arms[0])
        after_then, self.names.consumed = self.names.consumed, before
        else_ops = self.steps(orelse, arms[1])
        used = (after_then, self.names.consumed)
        self.names.consumed = after_then | self.names.consumed
        changed = tuple({**arms[0].names, **arms[1].names})
        ends = [tuple(_after(arm, name, scope, condition.span) for name in changed) for arm in arms]
        outputs = tuple(
            self.define(name, join(one.type, other.type), condition.span, scope)
            for name, one, other in zip(changed, *ends, strict=True)
        )
        for end, used_up in zip(ends, used, strict=True):
            self.names.follow(outputs, end, used_up)
        return Branch(
            name=op_name,
            condition=test,
            then=Region(ops=then_ops, results=ends[0]),
            orelse=Region(ops=else_ops, results=ends[1]),
            outputs=outputs,
            span=condition.span,
        )


def _noun(step: Step) -> str:
    match step:
        case StageStep():
            return step.stage.text
        case LoopStep() | MapStep():
            return step.variable.text
        case IfStep():
            return "if"
        case _:
            return step.workflow.text


def _after(arm: Scope, name: str, outer: Scope, span: Span) -> Expr:
    """What a name stands for after one arm: its new value, its old one, or nothing."""
    return arm.names.get(name) or outer.lookup(name) or Const(None, NONE, span)
