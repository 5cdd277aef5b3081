"""Which ops and values something depends on that lasts."""

from __future__ import annotations

from kitchen.compiler.rewrites.facts import read_by_name, sections
from kitchen.ir.expr import Expr, Ref, Value, refs
from kitchen.ir.program import Branch, Loop, Map, Op, Program, Region, Stage
from kitchen.ir.spec import Effect, Registry
from kitchen.ir.walk import exprs, regions, uses

#: The op that makes a value, and the expressions that must then be computed for it.
Maker = tuple[Op, tuple[Expr, ...]]


class Liveness:
    """What is live in a program: found from the stages that write, backwards along every read.

    A value is needed with the op that makes it; an op with the ops around it and with what it
    reads. The values a loop carries are needed one by one: the start, what comes round, the end.
    What `finally` and `on_failure` read by name needs every version of that name.
    """

    def __init__(self, program: Program, registry: Registry) -> None:
        self.registry = registry
        self.ops: set[int] = set()  #: identities of the live ops
        self.values: set[Value] = set()  #: what they need
        self.ended: set[Value] = set()  #: handles that are ended at the end, in which version ever
        self.read = {ref.value for ref in uses(*sections(program))}
        self._parents: dict[int, Op | None] = {}
        self._makers: dict[Value, Maker] = {}
        self._versions: dict[str, list[Value]] = {name: [] for name in read_by_name(program)}
        self._after = {*program.on_failure.params, *program.finally_.params}
        self._ends: list[Stage] = []
        self._stack: list[Value] = []
        self._enter(program.body, None, after=False)
        for value in self._makers:
            if value.name in self._versions:
                self._versions[value.name].append(value)
        self._enter(program.on_failure, None, after=True)
        self._enter(program.finally_, None, after=True)
        self._follow()
        self._keep_ends()

    def _enter(self, region: Region, parent: Op | None, *, after: bool) -> None:
        for op in region.ops:
            self._parents[id(op)] = parent
            if isinstance(op, Stage):
                self._stage(op, after=after)
            else:
                self._define(op)
                for inner in regions(op):
                    self._enter(inner, op, after=after)

    def _stage(self, op: Stage, *, after: bool) -> None:
        spec = self.registry.stages.get(op.stage)
        self._makers.update((out, (op, ())) for out in op.outputs)
        if spec is None or spec.effect is Effect.WRITES:
            self._keep(op)
        elif spec.mutated and not spec.outputs and (after or self.read.isdisjoint(op.outputs)):
            # It ends a handle: nobody in the body goes on with the version it gives back.
            self._ends.append(op)

    def _define(self, op: Loop | Map | Branch) -> None:
        match op:
            case Loop():
                first = len(op.body.params) - len(op.carry)
                self._makers.update((param, (op, ())) for param in op.body.params[:first])
                slots = zip(
                    op.body.params[first:], op.carry, op.body.results, op.outputs, strict=True
                )
                for param, start, result, output in slots:
                    made = (op, (start, result, Ref(param), Ref(output)))
                    self._makers[param] = self._makers[output] = made
            case Map():
                self._makers.update((param, (op, ())) for param in op.body.params)
                for output, result in zip(op.outputs, op.body.results, strict=True):
                    self._makers[output] = (op, (result,))
            case Branch():
                paths = zip(op.then.results, op.orelse.results, strict=True)
                self._makers.update(
                    (output, (op, path)) for output, path in zip(op.outputs, paths, strict=True)
                )

    def _keep(self, op: Op | None) -> None:
        """An op is live, and so are the ops around it."""
        while op is not None and id(op) not in self.ops:
            self.ops.add(id(op))
            own = exprs(op)
            for expr in own[: len(own) - len(op.carry)] if isinstance(op, Loop) else own:
                self._need(expr)
            op = self._parents[id(op)]

    def _need(self, expr: Expr) -> None:
        for ref in refs(expr):
            if ref.value not in self.values:
                self.values.add(ref.value)
                self._stack.append(ref.value)

    def _follow(self) -> None:
        """Go backwards from what is needed until nothing new is."""
        while self._stack:
            value = self._stack.pop()
            if value in self._after:
                for version in self._versions[value.name]:
                    self._need(Ref(version))
            made = self._makers.get(value)
            if made is not None:
                self._keep(made[0])
                for expr in made[1]:
                    self._need(expr)

    def _keep_ends(self) -> None:
        """A handle that is live for another reason is also ended."""
        waiting = self._ends
        while True:
            found = [op for op in waiting if all(map(self._in_use, self._handles(op)))]
            if not found:
                return
            for op in found:
                self._keep_end(op)
                self._follow()
            waiting = [op for op in waiting if id(op) not in self.ops]

    def _handles(self, op: Stage) -> list[Value]:
        mutable = {given.name for given in self.registry.stages[op.stage].mutated}
        return [ref.value for name, e in op.inputs if name in mutable for ref in refs(e)]

    def _in_use(self, value: Value) -> bool:
        """Whether a value is made in any case, so that ending it costs nothing more."""
        if value in self.values:
            return True
        if value in self._after:
            return any(map(self._in_use, self._versions[value.name]))
        op, needs = self._makers.get(value, (None, ()))
        if op is None or id(op) not in self.ops:
            return False
        if isinstance(op, Branch):
            return all(self._in_use(ref.value) for expr in needs for ref in refs(expr))
        return isinstance(op, Stage)

    def _keep_end(self, op: Stage) -> None:
        # Of a handle read by name the latest version will do: none is made for its sake.
        latest = {value for value in self._handles(op) if value in self._after} - self.values
        self.values |= latest
        self._keep(op)
        self.values -= latest
        self.ended |= latest
