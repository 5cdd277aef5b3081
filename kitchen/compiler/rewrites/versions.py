"""Versions of handles: which is the latest one there is when what nothing needs is gone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from kitchen.ir.expr import Expr, Value, refs
from kitchen.ir.program import Branch, Loop, Map, Op, Program, Region, Stage
from kitchen.ir.spec import Registry
from kitchen.ir.types import Kind

Versions = Mapping[str, Collection[Value]]


def is_handle(value: Value) -> bool:
    return value.type.required.kind is Kind.HANDLE


class Latest:
    """For each handle, the last version up to it that is made in any case; none if none is.

    Where paths meet with one version on each, that is the one; with several, what comes of them.
    """

    def __init__(self, registry: Registry, ops: Collection[int], values: Collection[Value]) -> None:
        self.registry, self.ops, self.values = registry, ops, values
        self.of: dict[Value, Value | None] = {}

    def program(self, program: Program, by_name: Versions) -> dict[Value, Value | None]:
        """Go through a program in order. Its endings read by name whichever version there is."""
        self._region(program.body)
        for ending in (program.on_failure, program.finally_):
            for param in ending.params:
                made = param in self.values or any(map(self.of.get, by_name[param.name]))
                self.of[param] = param if made else None
            self._region(ending)
        return self.of

    def _region(self, region: Region) -> None:
        for op in region.ops:
            match op:
                case Stage():
                    self._stage(op)
                case Branch(then=then, orelse=orelse):
                    self._region(then)
                    self._region(orelse)
                    self._join(op.outputs, then.results, orelse.results)
                case Loop(carry=carry, body=body):
                    first = len(body.params) - len(carry)
                    self._items(op, body.params[:first])
                    self._join(body.params[first:], carry)
                    self._region(body)
                    self._join(op.outputs, carry, body.results)
                case Map(body=body):
                    self._items(op, body.params)
                    self._region(body)

    def _items(self, op: Op, made: Iterable[Value]) -> None:
        """What an op itself makes is there if the op is."""
        self.of.update({value: value if id(op) in self.ops else None for value in made})

    def _join(self, values: Iterable[Value], *paths: Iterable[Expr]) -> None:
        for value, *ways in zip(values, *paths, strict=True):
            self._meet(value, *ways)

    def _stage(self, op: Stage) -> None:
        spec = self.registry.stages.get(op.stage)
        self._items(op, op.outputs)
        if spec is not None and id(op) not in self.ops:
            given, again = dict(op.inputs), op.outputs[len(spec.outputs) :]
            self._join(again, [given[i.name] for i in spec.mutated if i.name in given])

    def _meet(self, value: Value, *paths: Expr) -> None:
        """A value that stands for another, or for one of two."""
        if not is_handle(value):
            return
        found = {self._version(path) for path in paths}
        if value in self.values or len(found) > 1:
            self.of[value] = value if value in self.values or any(found) else None
        else:
            (self.of[value],) = found

    def _version(self, expr: Expr) -> Value | None:
        return next((self.of.get(ref.value) for ref in refs(expr) if is_handle(ref.value)), None)
