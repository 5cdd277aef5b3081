"""Parameters: that each is read, and that what a recipe sets makes a difference."""

from __future__ import annotations

from collections.abc import Iterator

from kitchen.compiler.checks.effects import leaves_something
from kitchen.compiler.checks.places import place, places
from kitchen.compiler.checks.removed import removals
from kitchen.compiler.checks.settled import settled
from kitchen.ir.diagnostic import Diagnostic, Label, Severity
from kitchen.ir.expr import Apply, Expr, Ref, Value, refs
from kitchen.ir.program import Branch, Op, Origin, Parameter, Program, Region, Removal
from kitchen.ir.spec import Registry
from kitchen.ir.walk import exprs, regions, uses, walk

#: Rewrites that take an op out because of what it reads, or because its twin reads the same.
_READ_FIRST = ("drop_empty_loops", "merge_duplicates")


def unread_parameters(
    program: Program, registry: Registry, original: Program
) -> Iterator[Diagnostic]:
    """Report parameters of the template that no step of it reads."""
    unread = _unread(original)
    for param in original.params:
        if param.value in unread:
            yield Diagnostic(
                "K125",
                f"nothing reads the parameter `{param.value.name}`",
                place(param.declared, "declared here, read nowhere"),
                _set_here(param),
                f"read it in a step: `${{{param.value.name}}}`, or take it out of `params:`",
            )


def idle_parameters(
    program: Program, registry: Registry, original: Program
) -> Iterator[Diagnostic]:
    """Warn of parameters that are set, and read only by what was removed for another reason."""
    chosen = [param for param in original.params if param.origin is not Origin.DEFAULT]
    if not chosen or not leaves_something(program, registry):
        return
    unread, effective = _unread(original), _Effective(program, original).values
    for param in chosen:
        if param.value in unread or param.value in effective:
            continue
        removal = _removal(param.value, program, original)
        yield Diagnostic(
            "K126",
            f"the parameter `{param.value.name}` has no effect",
            place(param.span or param.declared, "any other value would give the same run"),
            places(place(removal.span, f"removed: {removal.reason}") if removal else None),
            "take it out, or bring the steps back that read it",
            Severity.WARNING,
        )


def _unread(program: Program) -> set[Value]:
    """The parameters that nothing reads; looking ends where all have been found."""
    unread = {param.value for param in program.params}
    for ref in uses(program.body, program.on_failure, program.finally_):
        if not unread:
            break
        unread.discard(ref.value)
    return unread


def _set_here(param: Parameter) -> tuple[Label, ...]:
    return places(place(param.span, "set here")) if param.origin is not Origin.DEFAULT else ()


def _removal(value: Value, program: Program, original: Program) -> Removal | None:
    """Why the first op is gone that reads a value; or else one around or in an op that does."""
    gone = {removal.op: removal for removal in program.removed}
    for stage, why in removals(program, original):
        if any(ref.value == value for expr in exprs(stage) for ref in refs(expr)):
            return why
    for op in walk(original.body):
        if any(ref.value == value for ref in uses(op)):
            found = (gone.get(inner.name) for inner in (op, *_inside(op)))
            removal = next((removal for removal in found if removal is not None), None)
            if removal is not None:
                return removal
    return None


def _inside(op: Op) -> Iterator[Op]:
    for region in regions(op):
        yield from walk(region)


class _Effective:
    """The values read where it matters: by what is left, or by what decided that it is left."""

    def __init__(self, program: Program, original: Program) -> None:
        sections = (program.body, program.on_failure, program.finally_)
        self.alive = {op.name for region in sections for op in walk(region)}
        self.alive |= {gone.op for gone in program.removed if gone.rewrite in _READ_FIRST}
        self.settings = {param.value: param.setting for param in original.params}
        self.values: set[Value] = set()
        for region in (original.body, original.on_failure, original.finally_):
            self.region(region)

    def region(self, region: Region) -> None:
        for op in region.ops:
            if op.name in self.alive:
                self.read(*exprs(op))
                for inner in regions(op):
                    self.region(inner)
            elif isinstance(op, Branch):
                self.branch(op)
        self.read(*region.results)

    def branch(self, op: Branch) -> None:
        """A branch that was decided: what decided it matters, and what the side taken reads."""
        outcome = settled(op.condition, self.settings)
        for ref in refs(op.condition):
            others = {value: s for value, s in self.settings.items() if value != ref.value}
            if outcome is None or settled(op.condition, others) is None:
                self.values.add(ref.value)
        if outcome is not False:
            self.region(op.then)
        if outcome is not True:
            self.region(op.orelse)

    def read(self, *found: Expr) -> None:
        for expr in found:
            self.values.update(ref.value for ref in self.reached(expr))

    def reached(self, expr: Expr) -> Iterator[Ref]:
        """What an expression reads, without the side that a choice is known not to take."""
        if not isinstance(expr, Apply):
            yield from refs(expr)
            return
        args = expr.args
        if expr.op == "if":
            taken = settled(args[0], self.settings)
            args = (args[0], *(args[1:] if taken is None else (args[1] if taken else args[2],)))
        for arg in args:
            yield from self.reached(arg)
