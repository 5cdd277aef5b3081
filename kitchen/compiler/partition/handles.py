"""Which handles tie the ops that use them, and which are made again wherever they are needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kitchen.compiler.partition.fields import read_whole
from kitchen.ir.expr import Expr, Value, refs
from kitchen.ir.program import Branch, Loop, Map, Op, Program, Region, Stage
from kitchen.ir.spec import Effect, Registry
from kitchen.ir.types import Kind
from kitchen.ir.walk import exprs, regions, uses, walk


def is_handle(value: Value) -> bool:
    return value.type.kind is Kind.HANDLE


def made_inside(op: Op) -> set[Value]:
    """What the regions of an op define, at any depth."""
    made: set[Value] = set()
    if isinstance(op, Stage):
        return made
    for region in regions(op):
        made.update(region.params)
        for inner in walk(region):
            made.update(inner.outputs)
            made.update(param for deeper in regions(inner) for param in deeper.params)
    return made


def reads_of(op: Op) -> tuple[Value, ...]:
    """The values an op reads that it does not make, at any depth, in the order of reading."""
    if isinstance(op, Stage):
        return tuple(dict.fromkeys(own_reads(op)))
    inside = made_inside(op)
    read = dict.fromkeys(ref.value for ref in uses(op))
    return tuple(value for value in read if value not in inside)


class Repeats:
    """The stages that are repeated: pure makers of handles that nobody updates or passes on."""

    def __init__(self, program: Program, registry: Registry) -> None:
        self.registry = registry
        self.makers: dict[Value, Stage] = {}
        self.place: dict[str, int] = {}  #: ops by their order in the program
        named = {param.name for param in (*program.on_failure.params, *program.finally_.params)}
        whole = (program.body, program.on_failure, program.finally_)
        ops = [op for region in whole for op in walk(region)]
        tied = self.passed_on = {value for op in ops for value in self._passed_on(op)}
        read = {value for op in ops for value in own_reads(op)}
        read |= {v for op in ops for region in regions(op) for v in _read(region.results)}
        for place, op in enumerate(ops):
            self.place[op.name] = place
            if isinstance(op, Stage) and self._is_pure_maker(op):
                free = not any(v in tied or v.name in named or v not in read for v in op.outputs)
                given = (value for value in reads_of(op) if is_handle(value))
                if free and all(value in self.makers for value in given):
                    self.makers.update(dict.fromkeys(op.outputs, op))

    def _is_pure_maker(self, op: Stage) -> bool:
        spec = self.registry.stages[op.stage]
        pure = spec.effect is Effect.PURE and not spec.mutated
        return pure and bool(op.outputs) and all(map(is_handle, op.outputs))

    def _passed_on(self, op: Op) -> Iterator[Value]:
        """What an op updates, or gives a second name."""
        match op:
            case Stage():
                mutable = {wanted.name for wanted in self.registry.stages[op.stage].mutated}
                yield from _read(expr for name, expr in op.inputs if name in mutable)
            case Branch():
                yield from _read((*op.then.results, *op.orelse.results))
            case Loop():
                yield from _read((*op.carry, *op.body.results))
            case Map():
                yield from _read(op.body.results)

    def fields_alone(self, op: Op, read: Iterable[Value]) -> dict[Value, None]:
        """The handles of which an op reads no more than fields that nothing changes any more."""
        free = [v for v in read if self.ties(v) and v not in self.passed_on]
        whole = set(read_whole(op)) if free else set()
        return {value: None for value in free if value not in whole}

    def is_maker(self, op: Op) -> bool:
        return any(value in self.makers for value in op.outputs)

    def ties(self, value: Value) -> bool:
        """Whether the ops that use a value have to be in one task."""
        return is_handle(value) and value not in self.makers

    def spread(self, values: Iterable[Value]) -> tuple[dict[Value, None], dict[str, Stage]]:
        """What has to be there to read some values: other values, and makers to be repeated."""
        needed: dict[Value, None] = {}
        makers: dict[str, Stage] = {}
        stack = list(values)[::-1]
        while stack:
            value = stack.pop()
            maker = self.makers.get(value)
            if maker is None:
                needed[value] = None
            elif maker.name not in makers:
                makers[maker.name] = maker
                stack.extend(reads_of(maker)[::-1])
        return needed, makers

    def in_order(self, ops: Iterable[Op]) -> list[Op]:
        return sorted(ops, key=lambda op: self.place[op.name])


def _read(items: Iterable[Expr]) -> Iterator[Value]:
    return (ref.value for expr in items for ref in refs(expr))


def own_reads(op: Op) -> tuple[Value, ...]:
    """What the clauses of an op read, those of its regions left out."""
    return tuple(_read(exprs(op)))


def stages_in(ops: Iterable[Op]) -> Iterator[Stage]:
    for op in ops:
        if isinstance(op, Stage):
            yield op
        else:
            yield from (inner for inner in walk(Region(ops=(op,))) if isinstance(inner, Stage))
