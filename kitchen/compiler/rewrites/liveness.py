"""Which ops and values something depends on that lasts."""

from __future__ import annotations

from collections.abc import Iterator

from kitchen.compiler.rewrites.facts import read_by_name, sections
from kitchen.compiler.rewrites.versions import Latest, is_handle
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
    What `finally` and `on_failure` read by name needs every version of that name. A stage that
    closes a handle is needed if what opened it is, and needs none of the updates before it.
    """

    def __init__(self, program: Program, registry: Registry) -> None:
        self.registry = registry
        self.ops: set[int] = set()  #: identities of the live ops
        self.values: set[Value] = set()  #: what they need
        self.ended: set[Value] = set()  #: handles that are ended at the end, in which version ever
        #: of a stage that closes handles: the version that is left of each, in its place
        self.instead: dict[int, dict[Value, Value | None]] = {}
        self.read = {ref.value for ref in uses(*sections(program))}
        self._parents: dict[int, Op | None] = {}
        self._makers: dict[Value, Maker] = {}
        self._versions: dict[str, list[Value]] = {name: [] for name in read_by_name(program)}
        self._after = {*program.on_failure.params, *program.finally_.params}
        self._ends: list[Stage] = []
        self._stack: list[Value] = []
        self._enter(program.body, None)
        for value in self._makers:
            if value.name in self._versions:
                self._versions[value.name].append(value)
        self._enter(program.on_failure, None)
        self._enter(program.finally_, None)
        self._follow()
        self._keep_ends(program)

    def _enter(self, region: Region, parent: Op | None) -> None:
        for op in region.ops:
            self._parents[id(op)] = parent
            if isinstance(op, Stage):
                self._stage(op)
            else:
                self._define(op)
                for inner in regions(op):
                    self._enter(inner, op)

    def _stage(self, op: Stage) -> None:
        spec = self.registry.stages.get(op.stage)
        self._makers.update((out, (op, ())) for out in op.outputs)
        if spec is None or spec.effect is Effect.WRITES:
            self._keep(op)
        elif spec.closed:
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

    def _keep_ends(self, program: Program) -> None:
        """A handle that is opened is closed, in the latest version that there is of it."""
        size = -1
        while self._ends and size != len(self.ops) + len(self.values):
            size = len(self.ops) + len(self.values)
            latest = Latest(self.registry, self.ops, self.values).program(program, self._versions)
            for op in self._ends:
                closed = set(self._closed(op))
                if all(map(latest.get, closed)):
                    self._keep_end(op, {value: latest[value] for value in closed})

    def _closed(self, op: Stage) -> Iterator[Value]:
        given = dict(op.inputs)
        for wanted in self.registry.stages[op.stage].closed:
            read = refs(given[wanted.name]) if wanted.name in given else ()
            yield from (ref.value for ref in read if is_handle(ref.value))

    def _keep_end(self, op: Stage, latest: dict[Value, Value | None]) -> None:
        self.instead[id(op)] = latest
        self.ops.add(id(op))
        self._keep(self._parents[id(op)])
        for expr in exprs(op):
            for ref in refs(expr):
                value = latest.get(ref.value) or ref.value
                if value in self._after and ref.value in latest and value not in self.values:
                    self.ended.add(value)  # by name, any version will do: none is made for it
                else:
                    self._need(Ref(value))
        self._follow()
