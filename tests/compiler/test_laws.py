"""Every rewrite obeys the laws, on every case and on random programs; mutants do not."""

from __future__ import annotations

from functools import cache, reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitchen.compiler.rewrites import REWRITES, Rewrite
from kitchen.ir.program import Program
from kitchen.ir.spec import Registry
from kitchen.ir.verify import verify
from tests.compiler.cases_of import built, case_id, rewrite_cases
from tests.compiler.laws import LAWS, faithful, interpreted, settled
from tests.compiler.mutant_rewrites import MUTANTS, Law
from tests.compiler.random_programs import random_program
from tests.compiler.reference import outcome
from tests.compiler.toy_stages import REGISTRY

SEEDS = range(200)


def pipeline(program: Program, registry: Registry) -> Program:
    """All rewrites, in order."""
    return reduce(lambda current, rewrite: rewrite(current, registry), REWRITES, program)


def on_the_way(program: Program) -> list[Program]:
    """A program as each rewrite may get it: as it was built, and behind every other rewrite."""
    programs = [program]
    for rewrite in REWRITES:
        programs.append(rewrite(programs[-1], REGISTRY))
    return programs


def named(function: object) -> str:
    return getattr(function, "__name__", "")


@pytest.mark.parametrize("law", LAWS, ids=named)
@pytest.mark.parametrize("rewrite", [*REWRITES, pipeline], ids=named)
def test_cases_obey_the_laws(rewrite: Rewrite, law: Law):
    for path in rewrite_cases():
        for program in on_the_way(built(path)):
            assert law(program, rewrite) == [], case_id(path)


@pytest.mark.parametrize("law", LAWS, ids=named)
@pytest.mark.parametrize("rewrite", [*REWRITES, pipeline], ids=named)
def test_random_programs_obey_the_laws(rewrite: Rewrite, law: Law):
    for seed in SEEDS:
        before = random_program(seed)
        for rewritten in REWRITES[: REWRITES.index(rewrite) if rewrite in REWRITES else 0]:
            before = rewritten(before, REGISTRY)
        assert law(random_program(seed), rewrite) == [], seed
        assert law(before, rewrite) == [], seed


@given(seed=st.integers(200, 10**9), size=st.integers(1, 40))
def test_any_random_program_is_rewritten_faithfully_and_once(seed: int, size: int):
    program = random_program(seed, size)
    assert verify(pipeline(program, REGISTRY), REGISTRY) == []
    assert faithful(program, pipeline) == []
    assert settled(program, pipeline) == []


def test_random_programs_are_worth_testing():
    """They obey every rule, most run to their end and write, and no rewrite leaves all alone."""
    programs = [random_program(seed) for seed in SEEDS]
    assert not [fault for program in programs for fault in verify(program, REGISTRY)]
    assert sum(outcome(program)[1] is None for program in programs) > 0.7 * len(SEEDS)
    assert sum(len(outcome(program)[0]) > 1 for program in programs) > 0.5 * len(SEEDS)
    removed = [r.rewrite for p in programs for r in pipeline(p, REGISTRY).removed]
    changing = {rewrite.__name__ for rewrite in REWRITES} - {"fold_constants"}
    assert {name for name in changing if removed.count(name) > 50} == changing


@pytest.mark.parametrize("seed", SEEDS[::4])
def test_the_interpreter_agrees_with_the_oracle(seed: int):
    program = random_program(seed)
    written, fault = outcome(program)
    if fault is None:
        assert interpreted(program) == (written, None)
        assert interpreted(pipeline(program, REGISTRY)) == (written, None)
    else:
        assert interpreted(program)[1] is not None


@cache
def pool() -> tuple[Program, ...]:
    """What mutants are tried on."""
    cases = [program for path in rewrite_cases() for program in on_the_way(built(path))[:3]]
    return (*cases, *(random_program(seed) for seed in SEEDS))


@pytest.mark.parametrize(("mutant", "law"), MUTANTS, ids=lambda each: named(each))
def test_the_laws_catch_mutants(mutant: Rewrite, law: Law):
    assert any(law(program, mutant) for program in pool())
