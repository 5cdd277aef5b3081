"""Broken rewrites, each with the law that must catch it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from unittest.mock import patch

from kitchen.compiler.rewrites import (
    Rewrite,
    algebra,
    branches,
    dead,
    drop_empty_loops,
    duplicates,
    eliminate_dead,
    fold_branches,
    fold_constants,
    hoist_invariants,
    invariants,
    liveness,
    loops,
    merge_duplicates,
)
from kitchen.ir.expr import Const, Expr, Ref, Value
from kitchen.ir.program import Branch, Loop, Op, Program, Region, Removal, Stage
from kitchen.ir.spec import Effect, Registry
from kitchen.ir.walk import substitute, transform
from tests.compiler import laws
from tests.compiler.toy_stages import REGISTRY

Law = Callable[[Program, Rewrite], list[str]]

MUTANTS: list[tuple[Rewrite, Law]] = []


def caught_by(law: Law) -> Callable[[Rewrite], Rewrite]:
    """Enter a mutant with the law that it breaks."""

    def enter(mutant: Rewrite) -> Rewrite:
        MUTANTS.append((mutant, law))
        return mutant

    return enter


def _all(effect: Effect) -> Registry:
    """The toys, with every stage said to have one effect."""
    stages = {name: replace(spec, effect=effect) for name, spec in REGISTRY.stages.items()}
    return replace(REGISTRY, stages=stages)


def _each(program: Program, change: Callable[[Op], Iterable[Op]]) -> Program:
    return replace(program, body=transform(program.body, change))


# -------------------------------------------------------------------------------------- valid


@caught_by(laws.valid)
def drop_the_first_step(program: Program, registry: Registry) -> Program:
    return replace(program, body=replace(program.body, ops=program.body.ops[1:]))


@caught_by(laws.valid)
def forget_what_comes_round(program: Program, registry: Registry) -> Program:
    def change(op: Op) -> Iterable[Op]:
        if isinstance(op, Loop) and op.carry:
            return (replace(op, body=replace(op.body, results=op.body.results[1:])),)
        return (op,)

    return _each(program, change)


@caught_by(laws.valid)
def read_the_version_before(program: Program, registry: Registry) -> Program:
    known: dict[Value, Expr] = {}

    def change(op: Op) -> Iterable[Op]:
        if isinstance(op, Stage) and op.stage == "bump":
            known[op.outputs[-1]] = dict(op.inputs)["cell"]
        return (op,)

    changed = _each(program, change)
    return replace(changed, body=substitute(changed.body, known))


@caught_by(laws.valid)
def merge_what_is_out_of_sight(program: Program, registry: Registry) -> Program:
    with patch.object(duplicates, "_Merging", _Forgetless):
        return merge_duplicates(program, registry)


class _Forgetless(duplicates._Merging):
    """Keeps what a region made in sight after it."""

    def region(self, region: Region) -> Region:
        before = dict(self.seen)
        new = super().region(region)
        self.seen = {key: op for op in _stages(new) for key in [duplicates._key(op)]} | before
        return new


def _stages(region: Region) -> list[Stage]:
    return [op for op in region.ops if isinstance(op, Stage)]


@caught_by(laws.valid)
def hoist_what_reads_the_body(program: Program, registry: Registry) -> Program:
    with patch.object(invariants, "refs", lambda expr: ()):
        return hoist_invariants(program, registry)


@caught_by(laws.valid)
def forget_what_the_end_of_a_loop_reads(program: Program, registry: Registry) -> Program:
    whole = liveness.exprs

    def few(op: Op) -> tuple[Expr, ...]:
        return op.carry if isinstance(op, Loop) else whole(op)

    with patch.object(liveness, "exprs", few):
        return eliminate_dead(program, registry)


@caught_by(laws.valid)
def repeat_a_constructor_of_cells(program: Program, registry: Registry) -> Program:
    with patch.object(duplicates, "updated_types", lambda *_: frozenset()):
        return merge_duplicates(program, registry)


# ----------------------------------------------------------------------------------- faithful


@caught_by(laws.faithful)
def take_the_other_side(program: Program, registry: Registry) -> Program:
    def change(op: Op) -> Iterable[Op]:
        return (replace(op, then=op.orelse, orelse=op.then),) if isinstance(op, Branch) else (op,)

    return fold_branches(_each(program, change), registry)


@caught_by(laws.faithful)
def merge_updates(program: Program, registry: Registry) -> Program:
    return merge_duplicates(program, _all(Effect.PURE))


@caught_by(laws.faithful)
def hoist_writes(program: Program, registry: Registry) -> Program:
    return hoist_invariants(program, _all(Effect.PURE))


@caught_by(laws.faithful)
def hoist_where_nothing_may_run(program: Program, registry: Registry) -> Program:
    with patch.object(invariants, "_goes_round", lambda op: True):
        return hoist_invariants(program, registry)


@caught_by(laws.faithful)
def hoist_a_cell(program: Program, registry: Registry) -> Program:
    with patch.object(invariants, "updated_types", lambda *_: frozenset()):
        return hoist_invariants(program, registry)


@caught_by(laws.faithful)
def drop_writes(program: Program, registry: Registry) -> Program:
    return eliminate_dead(program, _all(Effect.READS))


@caught_by(laws.faithful)
def forget_what_the_end_reads(program: Program, registry: Registry) -> Program:
    with patch.object(liveness, "read_by_name", lambda program: frozenset()):
        cut = replace(program, finally_=replace(program.finally_, params=()))
        swept = dead._Sweeping(replace(cut, on_failure=Region()), registry)
        return replace(program, body=swept.section(program.body))


@caught_by(laws.faithful)
def merge_what_the_end_reads(program: Program, registry: Registry) -> Program:
    with patch.object(duplicates, "read_by_name", lambda program: frozenset()):
        return merge_duplicates(program, registry)


@caught_by(laws.faithful)
def inline_what_the_end_reads(program: Program, registry: Registry) -> Program:
    with patch.object(branches, "read_by_name", lambda program: frozenset()):
        return fold_branches(fold_constants(program, registry), registry)


@caught_by(laws.faithful)
def take_every_loop_for_empty(program: Program, registry: Registry) -> Program:
    with patch.object(loops, "_never_runs", lambda program, op: "so it seems"):
        return drop_empty_loops(program, registry)


@caught_by(laws.faithful)
def take_every_carried_value_for_unchanged(program: Program, registry: Registry) -> Program:
    def change(op: Op) -> Iterable[Op]:
        if not isinstance(op, Loop):
            return (op,)
        carried = op.body.params[len(op.body.params) - len(op.carry) :]
        same = tuple(Ref(param) for param in carried)
        return (replace(op, body=replace(op.body, results=same)),)

    return drop_empty_loops(_each(program, change), registry)


@caught_by(laws.faithful)
def take_every_parameter_for_zero(program: Program, registry: Registry) -> Program:
    params = tuple(
        replace(p, setting=0) if isinstance(p.setting, int) else p for p in program.params
    )
    return replace(fold_constants(replace(program, params=params), registry), params=program.params)


@caught_by(laws.faithful)
def take_optional_values_for_there(program: Program, registry: Registry) -> Program:
    with patch.object(algebra, "_always_there", lambda expr: True):
        return fold_constants(program, registry)


@caught_by(laws.faithful)
def reverse_writes(program: Program, registry: Registry) -> Program:
    writes = [op for op in program.body.ops if isinstance(op, Stage) and op.stage == "report"]
    others = [op for op in program.body.ops if op not in writes]
    return replace(program, body=replace(program.body, ops=(*others, *reversed(writes))))


# ------------------------------------------------------------------------------------ settled


@caught_by(laws.settled)
def number_values_anew(program: Program, registry: Registry) -> Program:
    known: dict[Value, Expr] = {}

    def change(op: Op) -> Iterable[Op]:
        if not isinstance(op, Stage):
            return (op,)
        fresh = tuple(replace(out, index=out.index + 1_000) for out in op.outputs)
        known.update((old, Ref(new)) for old, new in zip(op.outputs, fresh, strict=True))
        return (replace(op, outputs=fresh),)

    changed = _each(program, change)
    return replace(changed, body=substitute(changed.body, known))


@caught_by(laws.settled)
def fold_one_level_at_a_time(program: Program, registry: Registry) -> Program:
    taking = branches.Taking(program)
    ops = tuple(new for op in program.body.ops for new in taking(op))
    return replace(program, body=substitute(replace(program.body, ops=ops), taking.known))


@caught_by(laws.settled)
def say_it_again(program: Program, registry: Registry) -> Program:
    again = tuple(
        Removal(op=op.name, stage="", rewrite="say_it_again", reason="it was", span=op.span)
        for op in program.body.ops[:1]
    )
    return replace(program, removed=program.removed + again)


@caught_by(laws.settled)
def eliminate_one_layer(program: Program, registry: Registry) -> Program:
    read = liveness.Liveness(program, registry).read

    def change(op: Op) -> Iterable[Op]:
        spec = REGISTRY.stages.get(op.stage) if isinstance(op, Stage) else None
        idle = spec is not None and spec.effect is not Effect.WRITES
        return () if idle and read.isdisjoint(op.outputs) else (op,)

    return _each(program, change)


# ------------------------------------------------------------------------------------- closed


@caught_by(laws.closed)
def leave_open(program: Program, registry: Registry) -> Program:
    with patch.object(liveness.Liveness, "_keep_ends", lambda live, program: None):
        return eliminate_dead(program, registry)


@caught_by(laws.closed)
def close_in_the_last_version_alone(program: Program, registry: Registry) -> Program:
    def keep(live: liveness.Liveness, program: Program) -> None:
        for op in live._ends:
            if live.values.issuperset(live._closed(op)):
                live._keep_end(op, {value: value for value in live._closed(op)})

    with patch.object(liveness.Liveness, "_keep_ends", keep):
        return eliminate_dead(program, registry)


# ------------------------------------------------------------------------------------ located


@caught_by(laws.located)
def lose_places(program: Program, registry: Registry) -> Program:
    return _each(program, lambda op: (replace(op, span=None),))


@caught_by(laws.located)
def lose_places_of_reads(program: Program, registry: Registry) -> Program:
    known: dict[Value, Expr] = {p.value: Const(p.setting, p.value.type) for p in program.params}

    def bare(ref: Ref, known: dict[Value, Expr]) -> Expr:
        return known.get(ref.value, ref)

    with patch.object(algebra, "_read", bare):
        return replace(
            program,
            body=transform(program.body, lambda op: (op,), lambda expr: algebra.fold(expr, known)),
        )


@caught_by(laws.located)
def remove_without_a_word(program: Program, registry: Registry) -> Program:
    return replace(eliminate_dead(program, registry), removed=program.removed)


@caught_by(laws.located)
def remove_without_a_place(program: Program, registry: Registry) -> Program:
    new = eliminate_dead(program, registry)
    return replace(new, removed=tuple(replace(removal, span=None) for removal in new.removed))


@caught_by(laws.located)
def give_ops_new_names(program: Program, registry: Registry) -> Program:
    return _each(program, lambda op: (replace(op, name=f"{op.name}_new"),))
