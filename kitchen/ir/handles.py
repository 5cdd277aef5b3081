"""Handles are used in a line: nobody reads a version that a stage has updated, or one it closed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kitchen.ir.expr import Expr, Ref, Value, refs
from kitchen.ir.program import Branch, Loop, Map, Op, Program, Region, Stage
from kitchen.ir.spec import Registry
from kitchen.ir.types import Kind
from kitchen.ir.walk import exprs


def stale_handles(program: Program, registry: Registry) -> Iterator[str]:
    """Every read of a version that was updated or closed earlier on the same path, in words."""
    for region in (program.body, program.on_failure, program.finally_):
        line = _Line(registry)
        line.region(region)
        yield from line.found


class _Line:
    """Goes through a region in order with the versions that are used up by then."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.spent: set[Value] = set()
        self.closed: set[Value] = set()  #: what is passed on without a read may be closed
        self.order: list[Value] = []  #: the same, in the order in which they were updated
        self.made: dict[Value, int] = {}  #: values by the order in which they are made
        self.read: list[Value] = []  #: handles, in the order in which they are read
        self.found: list[str] = []

    def region(self, region: Region) -> None:
        self._make(region.params)
        for op in region.ops:
            self._op(op)
            self._make(op.outputs)
        self._exprs(self._kept(region.results), "the end of its region")

    def _kept(self, items: tuple[Expr, ...]) -> tuple[Expr, ...]:
        """Expressions without those that only pass on what is closed."""
        return tuple(expr for expr in items if not self._is_closed(expr))

    def _is_closed(self, expr: Expr) -> bool:
        return isinstance(expr, Ref) and expr.value in self.closed

    def _close(self, values: Iterable[Value], *paths: Iterable[Expr]) -> None:
        """Note what is closed because it is so on one path."""
        for path in paths:
            pairs = zip(values, path, strict=False)
            self.closed.update(value for value, expr in pairs if self._is_closed(expr))

    def _make(self, values: tuple[Value, ...]) -> None:
        for value in values:
            self.made[value] = len(self.made)

    def _spend(self, values: Iterable[Value]) -> None:
        for value in values:
            if value not in self.spent:
                self.spent.add(value)
                self.order.append(value)

    def _op(self, op: Op) -> None:
        where = f"`{op.name}`"
        match op:
            case Stage():
                self._exprs(exprs(op), where)
                self._update(op, where)
            case Branch():
                self._exprs(exprs(op), where)
                first = len(self.order)
                self.region(op.then)
                then = self.order[first:]
                self.spent.difference_update(then)
                del self.order[first:]
                self.region(op.orelse)
                self._spend(then)
                self._close(op.outputs, op.then.results, op.orelse.results)
            case Loop() | Map():
                self._exprs(self._kept(exprs(op)), where)
                self._round(op, where)

    def _update(self, op: Stage, where: str) -> None:
        spec = self.registry.stages.get(op.stage)
        if spec is None or not spec.mutated:
            return
        given = dict(op.inputs)
        updated = [
            ref.value for i in spec.mutated if i.name in given for ref in refs(given[i.name])
        ]
        for value in updated:
            if sum(ref.value == value for expr in exprs(op) for ref in refs(expr)) > 1:
                self._fault(where, f"{value} is updated and read by one step")
        self._spend(updated)
        again = op.outputs[len(spec.outputs) :]
        self.closed.update(v for v, i in zip(again, spec.mutated, strict=False) if i.closes)

    def _round(self, op: Loop | Map, where: str) -> None:
        """A body, which may come after itself: what it updates it must make or carry."""
        made, updated, read = len(self.made), len(self.order), len(self.read)
        carry = op.carry if isinstance(op, Loop) else ()
        params = op.body.params[len(op.body.params) - len(carry) :]
        self._close(params, carry)
        self.region(op.body)
        for value in self.order[updated:]:
            if self.made.get(value, -1) < made:
                self._fault(where, f"{value} is updated in a body that does not carry it")
        if not isinstance(op, Loop):
            return
        self._exprs(() if op.until is None else (op.until,), where)
        self._close(op.outputs, op.carry, op.body.results)
        inside = set(self.read[read:])
        for param, start, result in zip(params, op.carry, op.body.results, strict=False):
            comes_back = isinstance(result, Ref) and result.value == param
            if not _is_handle(param) or (comes_back and param not in self.spent):
                continue
            if self._is_closed(result) and param in inside:
                self._fault(where, f"{param} is read after a round that closed it")
            taken = [ref.value for ref in refs(start) if _is_handle(ref.value)]
            for value in taken:
                if value in inside:
                    self._fault(where, f"{value} is carried, and read from outside")
            self._spend(taken)

    def _exprs(self, items: tuple[Expr, ...], where: str) -> None:
        for expr in items:
            for ref in refs(expr):
                if ref.value in self.spent:
                    self._fault(where, f"{ref.value} is read after it was updated")
                if ref.value in self.closed:
                    self._fault(where, f"{ref.value} is read after it was closed")
                if _is_handle(ref.value):
                    self.read.append(ref.value)

    def _fault(self, where: str, what: str) -> None:
        self.found.append(f"{where}: {what}")


def _is_handle(value: Value) -> bool:
    return value.type.required.kind is Kind.HANDLE
