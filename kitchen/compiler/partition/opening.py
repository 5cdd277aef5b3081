"""Which ops can be cut, and into what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from kitchen.compiler.partition.atoms import Atom, Opened
from kitchen.compiler.partition.endings import arms_of_endings
from kitchen.compiler.partition.handles import Repeats, is_handle, made_inside, reads_of, stages_in
from kitchen.compiler.partition.level import Level
from kitchen.ir.expr import Const, Expr, Ref, Value, refs
from kitchen.ir.infix import infix
from kitchen.ir.program import NO_ANNOTATIONS, Branch, Loop, Map, Op, Program, Region, Stage
from kitchen.ir.spec import Effect, Registry
from kitchen.ir.types import Kind
from kitchen.ir.walk import exprs

Cuttable = Branch | Loop | Map


@dataclass(slots=True)
class Opening:
    """Makes atoms of ops, and cuts ops whose regions can be tasks."""

    program: Program
    registry: Registry
    repeats: Repeats
    parameters: set[Value]
    kept_whole: dict[str, str] = field(default_factory=dict)  #: ops that are not cut, and why
    arms: dict[str, tuple[str, str]] = field(init=False)  #: where steps of endings belong
    ends: list[tuple[Op, str, Region]] = field(init=False)

    def __post_init__(self) -> None:
        self.arms = arms_of_endings(self.program, self.registry)
        endings = (("on_failure", self.program.on_failure), ("finally", self.program.finally_))
        self.ends = [
            (op, ending, region)
            for ending, region in endings
            for op in region.ops
            if not self.repeats.is_maker(op)
        ]

    def level(
        self,
        ops: Iterable[Op],
        results: Iterable[tuple[str, Expr]] = (),
        arm: tuple[str, str] | None = None,
    ) -> Level:
        """The ops of a region inside of another op, and what ends them."""
        atoms: list[Atom] = []
        for op in ops:
            self.op(op, atoms)
        plain = tuple(self.plain(name, expr, atoms) for name, expr in results)
        own = [end for end in self.ends if arm is not None and self.arms.get(end[0].name) == arm]
        atoms += [self.at_the_end(*end, {}) for end in own]
        return Level(atoms, self.program, self.registry, results=plain)

    def whole(self) -> Level:
        """The body of the program, and behind it the endings."""
        while True:
            level = self.top()
            lost = self.arms.keys() - set(_ended(level))
            if not lost:
                return level
            for name in lost:  # their branch stays whole, and is ended as one
                del self.arms[name]

    def top(self) -> Level:
        atoms: list[Atom] = []
        for op in self.program.body.ops:
            self.op(op, atoms)
        latest: dict[str, list[Value]] = {}
        for value in sorted((v for atom in atoms for v in atom.makes), key=lambda v: v.index):
            latest.setdefault(value.name, []).append(value)
        atoms += [
            self.at_the_end(*end, latest) for end in self.ends if end[0].name not in self.arms
        ]
        return Level(atoms, self.program, self.registry)

    def at_the_end(
        self, op: Op, ending: str, region: Region, latest: Mapping[str, list[Value]]
    ) -> Atom:
        """An op of an ending, which reads the latest version of each name, whichever that is."""
        needed, makers = self.repeats.spread(reads_of(op))
        for param in region.params:
            if param in needed and not is_handle(param):
                needed.update(dict.fromkeys(latest.get(param.name, ())))
        return Atom(op.name, needed, makers, op.outputs, op=op, ending=ending)

    def op(self, op: Op, atoms: list[Atom]) -> None:
        if self.repeats.is_maker(op):
            return
        read, first = reads_of(op), len(atoms)
        small = self.is_small(op, read)
        held = any(map(is_handle, op.outputs)) or any(map(self.repeats.ties, read))
        held = held or op.name in self.kept_whole
        opened = None if isinstance(op, Stage) or small or held else self.open(op, atoms)
        for atom in atoms[first:]:
            atom.clause_of = len(atoms)
        needed, makers = self.repeats.spread(read)
        needed.update({} if opened is None else opened.reads)
        atom = Atom(op.name, needed, makers, op.outputs, op=op, opened=opened, small=small)
        atom.fields = self.repeats.fields_alone(op, read)
        atom.kept_whole = self.kept_whole.get(op.name, "")
        atoms.append(atom)

    def plain(self, name: str, expr: Expr, atoms: list[Atom]) -> Expr:
        """A clause as a constant, a read, or something that only follows parameters."""
        read = [ref.value for ref in refs(expr)]
        if isinstance(expr, Const | Ref) or all(value in self.parameters for value in read):
            return expr
        value = Value(name, 0, expr.type)
        needed, makers = self.repeats.spread(read)
        atoms.append(Atom(name, needed, makers, (value,), expr=expr, small=not makers))
        return Ref(value, expr.span)

    def open(self, op: Cuttable, atoms: list[Atom]) -> Opened | None:
        """An op that uses no handle, cut into the atoms of its regions; None if it stays whole."""
        if any(clause.type.kind is Kind.HANDLE for clause in exprs(op)):
            return None
        match op:
            case Branch():
                arms = [
                    self.level(arm.ops, _named(f"{op.name}.{side}", arm.results), (op.name, side))
                    for side, arm in (("then", op.then), ("else", op.orelse))
                ]
                condition = self.plain(f"{op.name}.condition", op.condition, atoms)
                then, orelse = (Region(results=arm.results) for arm in arms)
                cut: Cuttable = replace(op, condition=condition, then=then, orelse=orelse)
                return _opened(op, cut, arms)
            case Map():
                body = self.level(op.body.ops, _named(f"{op.name}.result", op.body.results))
                region = Region(params=op.body.params, results=body.results)
                over = self.plain(f"{op.name}.over", op.over, atoms)
                most = op.max_parallel and self.plain(f"{op.name}.most", op.max_parallel, atoms)
                cut = replace(op, over=over, max_parallel=most, body=region)
                return _opened(op, cut, [body])
            case Loop():
                return self.open_loop(op, atoms)

    def open_loop(self, op: Loop, atoms: list[Atom]) -> Opened | None:
        """A loop of several tasks. `while` is asked before any task of an iteration has run, so a
        loop that has one stays whole.
        """
        if op.while_ is not None or op.over is None:
            self.kept_whole[op.name] = f"`{op.name}` asks `while` before each iteration"
            return None
        ends = () if op.until is None else ((f"{op.name}.until", op.until),)
        body = self.level(op.body.ops, (*_named(f"{op.name}.next", op.body.results), *ends))
        if len(body.sets) < 2:
            self.kept_whole[op.name] = f"the body of `{op.name}` is one task"
            return None
        results = body.results[: len(op.body.results)]
        cut = replace(
            op,
            over=self.plain(f"{op.name}.over", op.over, atoms),
            max=op.max and self.plain(f"{op.name}.max", op.max, atoms),
            carry=tuple(
                self.plain(name, expr, atoms) for name, expr in _named(f"{op.name}.start", op.carry)
            ),
            until=body.results[-1] if ends else None,
            checkpoint=None,
            body=Region(params=op.body.params, results=results),
        )
        return _opened(op, cut, [body])

    # --------------------------------------------------------------------------------- small

    def is_small(self, op: Op, read: Iterable[Value]) -> bool:
        """Whether an op is a little arithmetic: scalars only, pure, no ports, no annotations."""
        if not all(map(self.is_arithmetic, stages_in([op]))):
            return False
        values = (*read, *op.outputs, *made_inside(op))
        return all(value.type.kind is Kind.SCALAR for value in values)

    def is_arithmetic(self, op: Stage) -> bool:
        spec = self.registry.stages[op.stage]
        return spec.effect is Effect.PURE and not spec.ports and op.annotations == NO_ANNOTATIONS


def _ended(level: Level) -> Iterator[str]:
    """The steps of endings that have a place inside of groups."""
    for atom in level.atoms:
        for inner in () if atom.opened is None else atom.opened.levels:
            yield from (each.name for each in inner.atoms if each.ending)
            yield from _ended(inner)


def _named(prefix: str, items: tuple[Expr, ...]) -> tuple[tuple[str, Expr], ...]:
    return tuple((f"{prefix}.{index}", expr) for index, expr in enumerate(items))


def _clauses(op: Cuttable) -> tuple[tuple[str, str], ...]:
    """What an op goes by, in words."""
    match op:
        case Branch():
            named: dict[str, Expr | None] = {"condition": op.condition}
        case Map():
            named = {"over": op.over, "max_parallel": op.max_parallel}
        case Loop():
            named = {"over": op.over, "until": op.until, "max": op.max}
    return tuple((name, infix(expr)) for name, expr in named.items() if expr is not None)


def _opened(whole: Cuttable, op: Cuttable, levels: list[Level]) -> Opened:
    """The cut op, with what its clauses and the atoms of its regions read from around it."""
    reads = {ref.value: None for clause in exprs(op) for ref in refs(clause)}
    inside = set() if isinstance(op, Branch) else set(op.body.params)
    for level in levels:
        for atom in level.atoms:
            reads.update({} if atom.ending else atom.reads)
            inside.update(atom.makes)
        reads.update((ref.value, None) for expr in level.results for ref in refs(expr))
    return Opened(
        op, _clauses(whole), tuple(levels), {value: None for value in reads if value not in inside}
    )
