"""What every program obeys, whichever pass it comes from: used by tests and after each rewrite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kitchen.ir.expr import Apply, Const, Expr, Get, Ref, Value, refs
from kitchen.ir.handles import stale_handles
from kitchen.ir.program import Branch, Loop, Map, Op, Program, Region, Stage
from kitchen.ir.spec import Registry, StageSpec
from kitchen.ir.types import Type, accepts, element
from kitchen.ir.walk import exprs


def verify(program: Program, registry: Registry) -> list[str]:
    """Every rule that a program breaks, in words; nothing for a program that may be run."""
    verifier = _Verifier(program, registry)
    verifier.section(program.body)
    verifier.section(program.on_failure)
    verifier.section(program.finally_)
    return verifier.found + list(stale_handles(program, registry))


class _Verifier:
    """Goes through a program in order with the values that are in sight."""

    def __init__(self, program: Program, registry: Registry) -> None:
        self.registry = registry
        self.found: list[str] = []
        self.parameters = {parameter.value for parameter in program.params}
        self.visible: set[Value] = set()
        self.defined: set[Value] = set()
        for parameter in program.params:
            self._constant(parameter.setting, f"parameter `{parameter.value.name}`")
        for binding in program.bindings:
            for name, value in binding.config:
                self._constant(value, f"`{name}` of port `{binding.port}`")

    def section(self, region: Region) -> None:
        """The body, or a region that runs after it: each has values of its own."""
        self.visible, self.defined = set(self.parameters), set(self.parameters)
        self._region(region, "the program")

    def _region(self, region: Region, where: str, then: Iterable[Expr] = ()) -> None:
        """Check a region, and expressions that are read at its end; then forget its values."""
        made = list(region.params)
        self._define(region.params, where)
        for op in region.ops:
            self._op(op)
            self._define(op.outputs, f"`{op.name}`")
            made.extend(op.outputs)
        for expr in (*region.results, *then):
            self._expr(expr, where)
        self.visible.difference_update(made)

    def _define(self, values: Iterable[Value], where: str) -> None:
        for value in values:
            if value in self.defined:
                self._fault(where, f"{value} is defined a second time")
            self.defined.add(value)
            self.visible.add(value)

    def _op(self, op: Op) -> None:
        where = f"`{op.name}`"
        match op:
            case Stage():
                self._exprs(exprs(op), where)
                self._stage(op, where)
            case Loop():
                self._loop(op, where)
            case Map():
                self._map(op, where)
            case Branch():
                self._exprs((op.condition,), where)
                for region in (op.then, op.orelse):
                    self._flow(region.results, [out.type for out in op.outputs], "result", where)
                    self._count(region.params, 0, "parameters of an arm", where)
                    self._region(region, where)

    def _stage(self, op: Stage, where: str) -> None:
        spec = self.registry.stages.get(op.stage)
        if spec is None:
            self._fault(where, f"there is no stage `{op.stage}`")
            return
        given = dict(op.inputs)
        self._names(op, spec, where)
        for wanted in spec.inputs:
            expr = given.get(wanted.name)
            if expr is None:
                if wanted.required:
                    self._fault(where, f"the input `{wanted.name}` is not given")
            elif not accepts(wanted.type, expr.type):
                self._fault(where, f"`{wanted.name}` takes {wanted.type}, not {expr.type}")
        mutated = [given[i.name].type if i.name in given else i.type for i in spec.mutated]
        types = [type_ for _, type_ in spec.outputs] + mutated
        self._count(op.outputs, len(types), "outputs", where)
        for out, type_ in zip(op.outputs, types, strict=False):
            if not accepts(out.type, type_):
                self._fault(where, f"{out} is {out.type}, the stage gives {type_}")

    def _names(self, op: Stage, spec: StageSpec, where: str) -> None:
        for title, article, pairs, known in (
            ("input", "an", op.inputs, {given.name for given in spec.inputs}),
            ("setting", "a", op.config, {setting.name for setting in spec.config}),
        ):
            names = [name for name, _ in pairs]
            if len(set(names)) < len(names):
                self._fault(where, f"{article} {title} is given twice")
            for name in names:
                if name not in known:
                    self._fault(where, f"`{op.stage}` has no {title} `{name}`")

    def _loop(self, op: Loop, where: str) -> None:
        outside = (op.over, op.max, op.checkpoint, *op.carry)
        self._exprs((e for e in outside if e is not None), where)
        first = 0 if op.over is None else 1
        params, slots = op.body.params, len(op.carry)
        self._count(params, first + slots, "parameters of the body", where)
        self._count(op.body.results, slots, "results of the body", where)
        self._count(op.outputs, slots, "outputs", where)
        if op.over is not None and params:
            self._item(params[0], op.over, where)
        types = [param.type for param in params[first:]]
        self._flow(op.carry, types, "start", where, counted=False)
        self._flow(op.body.results, types, "result", where, counted=False)
        self._flow([Ref(p) for p in params[first:]], [o.type for o in op.outputs], "end", where)
        if op.while_ is not None:
            self.visible.update(params)
            self._expr(op.while_, where)
            self.visible.difference_update(params)
        self._region(op.body, where, () if op.until is None else (op.until,))

    def _map(self, op: Map, where: str) -> None:
        self._exprs(exprs(op), where)
        self._count(op.body.params, 1, "parameters of the body", where)
        self._count(op.body.results, len(op.outputs), "results of the body", where)
        if op.body.params:
            self._item(op.body.params[0], op.over, where)
        for out, result in zip(op.outputs, op.body.results, strict=False):
            item = element(out.type) if out.type.name != "Stream" else None
            if item is None or not accepts(item, result.type):
                self._fault(where, f"{out} is {out.type}, not a list of {result.type}")
        self._region(op.body, where)

    def _item(self, variable: Value, over: Expr, where: str) -> None:
        item = element(over.type)
        if item is None or not accepts(variable.type, item):
            self._fault(where, f"{variable} is {variable.type}, it goes over {over.type}")

    def _flow(
        self,
        given: Sequence[Expr],
        wanted: Sequence[Type],
        what: str,
        where: str,
        *,
        counted: bool = True,
    ) -> None:
        if counted:
            self._count(given, len(wanted), f"{what}s", where)
        for expr, type_ in zip(given, wanted, strict=False):
            if not accepts(type_, expr.type):
                self._fault(where, f"the {what} is {expr.type}, not {type_}")

    def _count(self, items: Sequence[object], wanted: int, what: str, where: str) -> None:
        if len(items) != wanted:
            self._fault(where, f"{len(items)} {what}, not {wanted}")

    def _exprs(self, items: Iterable[Expr], where: str) -> None:
        for expr in items:
            self._expr(expr, where)

    def _expr(self, expr: Expr, where: str) -> None:
        for ref in refs(expr):
            if ref.value not in self.visible:
                self._fault(where, f"{ref.value} is read where it is not in sight")
        for constant in _constants(expr):
            self._constant(constant.value, where)

    def _constant(self, value: object, where: str) -> None:
        if not _is_plain(value):
            self._fault(where, f"{value!r} is no constant")

    def _fault(self, where: str, what: str) -> None:
        self.found.append(f"{where}: {what}")


def _constants(expr: Expr) -> Iterator[Const]:
    match expr:
        case Const():
            yield expr
        case Get(of=of):
            yield from _constants(of)
        case Apply(args=args):
            for arg in args:
                yield from _constants(arg)


def _is_plain(value: object) -> bool:
    """Whether a constant is made of what JSON has."""
    match value:
        case None | bool() | int() | float() | str():
            return True
        case list():
            return all(map(_is_plain, value))
        case dict():
            return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    return False
