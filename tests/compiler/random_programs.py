"""Random programs that obey every rule: all kinds of ops, handles, optional values, endings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from kitchen.ir.expr import Apply, Const, Expr, Get, Ref, Value
from kitchen.ir.program import (
    Annotations,
    Branch,
    Loop,
    Map,
    Op,
    Origin,
    Parameter,
    Program,
    Region,
    Stage,
)
from kitchen.ir.source import Source, Span
from kitchen.ir.types import BOOL, INT, NONE, Kind, Type, list_of, optional, stream_of
from tests.compiler.toy_stages import REGISTRY

PAPER = Source("random.yaml", "a line of a random program\n" * 2_000)
WIDTH = len("a line of a random program\n")

CELL = Type("Cell", Kind.HANDLE)
SCORE = REGISTRY.stages["judge"].outputs[0][1]
INTS, STREAM = list_of(INT), stream_of(INT)

#: Stages by weight; those that write are left out where the order of writes is not settled.
QUIET = {
    "number": 3, "add": 6, "ends": 2, "items": 2, "total": 2, "even": 2, "judge": 2, "steps": 1,
    "refuse": 1, "sense": 2, "open_cell": 2, "peek": 2, "glance": 1, "bump": 4, "double": 2,
}  # fmt: skip
LOUD = QUIET | {"report": 6, "save": 2, "stamp": 2}


@dataclass
class Scope:
    """The values in sight by name, and the names that may be given a new value here."""

    values: dict[str, Value]
    own: set[str] = field(default_factory=set)
    given: frozenset[str] = frozenset()  #: those of its own that it was given by the region around
    loud: bool = True

    def of(self, *types: Type) -> list[Value]:
        return [value for value in self.values.values() if value.type in types]

    def inner(self, own: set[str], *, loud: bool | None = None) -> Scope:
        loud = self.loud if loud is None else loud
        return Scope(dict(self.values), own, frozenset(own), loud)


def random_program(seed: int, size: int = 14) -> Program:
    """A program of some `size` steps; the same for the same seed."""
    return Growing(Random(seed), size).program()


class Growing:
    """A program that grows at random."""

    def __init__(self, random: Random, size: int) -> None:
        self.random, self.left = random, size
        self.versions: dict[str, int] = {}
        self.names = self.lines = 0
        #: Of its own, so that the rest of a program is as it would be without.
        self.closing = Random(str(random.getstate()))
        self.closed: list[Value] = []

    def program(self) -> Program:
        params = tuple(
            Parameter(
                value=self.version(name, type_),
                setting=setting,
                origin=self.random.choice(list(Origin)),
                span=self.span(),
            )
            for name, type_, setting in (
                ("k", INT, self.random.randrange(4)),
                ("n", INT, self.random.randrange(3)),
                ("on", BOOL, self.random.random() < 0.5),
            )
        )
        scope = Scope({p.value.name: p.value for p in params})
        ops: list[Op] = []
        while self.left > 0:
            ops.extend(self.ops(scope, depth=0))
        ops.extend(self.close(scope))
        last = [self.report(scope, Ref(one)) for one in scope.of(INT)[-2:]]
        return Program(
            name="random",
            params=params,
            body=Region(ops=(*ops, *last)),
            on_failure=self.ending(scope, ("report",)),
            finally_=self.ending(scope, ("report", "double", "save", "close_cell")),
            span=self.span(),
        )

    def ending(self, scope: Scope, stages: tuple[str, ...]) -> Region:
        """What runs after the body, and reads by name."""
        params: dict[str, Value] = {}
        current: dict[str, Value] = {}
        ops = []
        for name in stages:
            if self.random.random() < 0.5:
                continue
            wanted = INT if name == "report" else CELL
            found = [v for v in scope.of(wanted) if v.name not in ("k", "n")]
            found += self.closed if wanted == CELL else []
            if not found:
                continue
            of = self.random.choice(found).name
            if of not in params:
                params[of] = current[of] = self.version(of, wanted)
            held, argument = current[of], "value" if name == "report" else "cell"
            spec = REGISTRY.stages[name]
            outputs = tuple(self.fresh(type_) for _, type_ in spec.outputs)
            if spec.mutated:
                current[of] = self.version(of, wanted)
                outputs += (current[of],)
            ops.append(self.stage(name, {argument: Ref(held)}, outputs))
        return Region(params=tuple(params.values()), ops=tuple(ops))

    # -------------------------------------------------------------------------------- names

    def version(self, name: str, type_: Type) -> Value:
        index = self.versions[name] = self.versions.get(name, -1) + 1
        return Value(name, index, type_)

    def fresh(self, type_: Type) -> Value:
        self.names += 1
        return self.version(f"{type_.required.name.lower()}{self.names}", type_)

    def output(self, scope: Scope, type_: Type) -> Value:
        """A new name, or a new version of one that is the scope's own."""
        known = [name for name in scope.own if scope.values[name].type == type_]
        if known and type_ == INT and self.random.random() < 0.4:
            return self.version(self.random.choice(sorted(known)), type_)
        return self.fresh(type_)

    def define(self, scope: Scope, values: tuple[Value, ...]) -> None:
        for value in values:
            scope.values[value.name] = value
            scope.own.add(value.name)

    def span(self) -> Span:
        self.lines += 1
        return Span(PAPER, self.lines * WIDTH, self.lines * WIDTH + WIDTH - 1)

    # -------------------------------------------------------------------------- expressions

    def number(self, scope: Scope, depth: int = 2) -> Expr:
        choice = self.random.random()
        known = [Ref(value, self.span()) for value in scope.of(INT)]
        if choice < 0.25 or not known:
            return Const(self.random.randrange(-1, 4), INT, self.span())
        if choice < 0.65 or depth == 0:
            return self.random.choice(known)
        if choice < 0.75 and (scores := scope.of(SCORE)):
            return Get(Ref(self.random.choice(scores)), "value", INT, self.span())
        if choice < 0.85 and (perhaps := scope.of(optional(INT))):
            given = (Ref(self.random.choice(perhaps)), self.number(scope, depth - 1))
            return Apply("default", given, INT, self.span())
        op = self.random.choice(("+", "-", "*", "//", "%", "min", "max", "if", "neg"))
        first, second = self.number(scope, depth - 1), self.number(scope, depth - 1)
        if op == "if":
            return Apply(op, (self.truth(scope, depth - 1), first, second), INT, self.span())
        if op in ("//", "%"):
            second = Const(self.random.choice((1, 1, 2, 3, 0)), INT)
        if op == "*":
            second = Const(self.random.randrange(3), INT)
        return Apply(op, (first,) if op == "neg" else (first, second), INT, self.span())

    def truth(self, scope: Scope, depth: int = 2) -> Expr:
        choice = self.random.random()
        if choice < 0.15:
            return Const(self.random.random() < 0.5, BOOL, self.span())
        if choice < 0.3:
            return Ref(scope.values["on"], self.span())
        if choice < 0.35 and (scores := scope.of(SCORE)):
            return Get(Ref(self.random.choice(scores)), "good", BOOL, self.span())
        if choice < 0.45 and (perhaps := scope.of(optional(INT))):
            given = (Ref(self.random.choice(perhaps)), Const(None, NONE))
            return Apply("!=", given, BOOL, self.span())
        if choice < 0.7 and depth > 0:
            op = self.random.choice(("and", "or", "not"))
            count = 1 if op == "not" else 2
            args = tuple(self.truth(scope, depth - 1) for _ in range(count))
            return Apply(op, args, BOOL, self.span())
        op = self.random.choice(("==", "!=", "<", ">="))
        args = (self.number(scope, 1), self.number(scope, 1))
        return Apply(op, args, BOOL, self.span())

    # ---------------------------------------------------------------------------------- ops

    def ops(self, scope: Scope, depth: int) -> list[Op]:
        """One step, or two that are the same."""
        self.left -= 1
        grow: list[Callable[[Scope, int], Op | None]] = [self.call] * 7
        if depth < 3:
            grow += [self.loop, self.branch, self.map]
        op = self.random.choice(grow)(scope, depth)
        if op is None:
            return []
        twins = [op]
        if isinstance(op, Stage) and self.random.random() < 0.15:
            twins += self.twin(op, scope)
        return twins

    def twin(self, op: Stage, scope: Scope) -> list[Op]:
        """The same call once more, if its inputs may still be read."""
        if REGISTRY.stages[op.stage].mutated:
            return []
        outputs = tuple(self.fresh(out.type) for out in op.outputs)
        self.define(scope, outputs)
        return [self.stage(op.stage, dict(op.inputs), outputs, dict(op.config))]

    def stage(
        self,
        name: str,
        inputs: dict[str, Expr],
        outputs: tuple[Value, ...],
        config: dict[str, Expr] | None = None,
    ) -> Stage:
        self.names += 1
        notes = Annotations(cache=True) if self.random.random() < 0.05 else Annotations()
        return Stage(
            name=f"{name}_{self.names}",
            stage=name,
            inputs=tuple(inputs.items()),
            config=tuple((config or {}).items()),
            outputs=outputs,
            annotations=notes,
            span=self.span(),
        )

    def report(self, scope: Scope, value: Expr) -> Stage:
        return self.stage("report", {"value": value}, ())

    def call(self, scope: Scope, depth: int) -> Op | None:
        weights = LOUD if scope.loud else QUIET
        name = self.random.choices(list(weights), list(weights.values()))[0]
        spec = REGISTRY.stages[name]
        inputs: dict[str, Expr] = {}
        updated: list[Value] = []
        for wanted in spec.inputs:
            if wanted.type.required == INT:
                inputs[wanted.name] = self.number(scope)
                continue
            found = [v for v in scope.of(wanted.type) if not wanted.mutable or v.name in scope.own]
            if not found:
                return None
            chosen = self.random.choice(found)
            inputs[wanted.name] = Ref(chosen, self.span())
            updated += [chosen] if wanted.mutable else []
        config: dict[str, Expr] = {}
        for setting in spec.config:
            if setting.name == "count":
                config["count"] = Const(self.random.randrange(3), INT)
            elif setting.name == "limit":
                high = 500 if name == "refuse" else 3
                config["limit"] = Const(self.random.randrange(high // 2, high), INT)
            elif setting.name == "value" and self.random.random() < 0.7:
                config["value"] = self.number(scope)
        outputs = tuple(self.output(scope, type_) for _, type_ in spec.outputs)
        outputs += tuple(self.version(value.name, value.type) for value in updated)
        if len({value.name for value in outputs}) < len(outputs):
            return None
        self.define(scope, outputs)
        return self.stage(name, inputs, outputs, config)

    def close(self, scope: Scope) -> tuple[Op, ...]:
        """Close some of the cells that a region has made, at its end."""
        made = sorted(scope.own - scope.given)
        cells = [v for name in made if (v := scope.values[name]).type == CELL]
        ops: list[Op] = []
        for cell in cells:
            if self.closing.random() < 0.5:
                after = self.version(cell.name, cell.type)
                ops.append(self.stage("close_cell", {"cell": Ref(cell, self.span())}, (after,)))
                scope.own.discard(cell.name)
                del scope.values[cell.name]
                self.closed.append(after)
        return tuple(ops)

    def body(self, scope: Scope, depth: int) -> tuple[Op, ...]:
        ops: list[Op] = []
        for _ in range(self.random.randrange(4)):
            ops.extend(self.ops(scope, depth + 1))
        return (*ops, *self.close(scope))

    def some(self, scope: Scope) -> list[str]:
        """Names whose values may change in a region: of the scope's own, some."""
        names = sorted(n for n in scope.own if scope.values[n].type in (INT, CELL))
        return self.random.sample(names, min(len(names), self.random.randrange(4)))

    def result(self, inner: Scope, name: str) -> Expr:
        """What a name stands for at the end of a region; of a number also something computed."""
        value = inner.values[name]
        if value.type == INT and self.random.random() < 0.15:
            return self.number(inner)
        return Ref(value, self.span())

    def loop(self, scope: Scope, depth: int) -> Op:
        stop = self.random.choice(
            (Const(self.random.randrange(3), INT), Ref(scope.values["n"], self.span()))
        )
        over: Expr = Apply("range", (stop,), INTS, self.span())
        streams = scope.of(STREAM) + scope.of(INTS)
        if streams and self.random.random() < 0.4:
            over = Ref(self.random.choice(streams), self.span())
        carried = self.some(scope)
        start = tuple(Ref(scope.values[name], self.span()) for name in carried)
        variable = self.fresh(INT)
        params = tuple(self.version(name, scope.values[name].type) for name in carried)
        inner = scope.inner(set(carried))
        inner.values |= {value.name: value for value in (variable, *params)}
        while_ = self.truth(inner) if self.random.random() < 0.2 else None
        ops = self.body(inner, depth)
        until = self.truth(inner) if self.random.random() < 0.2 else None
        results = tuple(self.result(inner, name) for name in carried)
        outputs = tuple(self.version(name, scope.values[name].type) for name in carried)
        self.define(scope, outputs)
        return Loop(
            name=variable.name,
            over=over,
            while_=while_,
            until=until,
            max=Const(self.random.randrange(3), INT) if self.random.random() < 0.15 else None,
            checkpoint=Ref(scope.values["k"]) if self.random.random() < 0.2 else None,
            carry=start,
            body=Region(params=(variable, *params), ops=ops, results=results),
            outputs=outputs,
            span=self.span(),
        )

    def branch(self, scope: Scope, depth: int) -> Op:
        condition = self.truth(scope)
        changed = self.some(scope)
        arms = [scope.inner(set(changed)) for _ in range(2)]
        bodies = [self.body(arm, depth) for arm in arms]
        results = [[self.result(arm, name) for name in changed] for arm in arms]
        outputs = [self.version(name, scope.values[name].type) for name in changed]
        for index, arm in enumerate(arms):
            new = [v for v in arm.of(INT) if v.name not in scope.values]
            for made in new[:1]:
                outputs.append(self.fresh(optional(INT)))
                for which, result in enumerate(results):
                    absent = Const(None, NONE, self.span())
                    result.append(Ref(made, self.span()) if which == index else absent)
        self.define(scope, tuple(outputs))
        self.names += 1
        then, orelse = (
            Region(ops=ops, results=tuple(result))
            for ops, result in zip(bodies, results, strict=True)
        )
        return Branch(
            name=f"if_{self.names}",
            condition=condition,
            then=then,
            orelse=orelse,
            outputs=tuple(outputs),
            span=self.span(),
        )

    def map(self, scope: Scope, depth: int) -> Op:
        over: Expr = Const([1, 2, 3][: self.random.randrange(4)], INTS, self.span())
        lists = scope.of(INTS)
        if lists and self.random.random() < 0.6:
            over = Ref(self.random.choice(lists), self.span())
        variable = self.fresh(INT)
        inner = scope.inner(set(), loud=False)
        inner.values[variable.name] = variable
        ops = self.body(inner, depth)
        made = [value for value in inner.of(INT) if value.name not in scope.values][:2]
        outputs = tuple(self.fresh(INTS) for _ in made)
        self.define(scope, outputs)
        return Map(
            name=variable.name,
            over=over,
            body=Region(
                params=(variable,), ops=ops, results=tuple(Ref(v, self.span()) for v in made)
            ),
            outputs=outputs,
            span=self.span(),
        )
