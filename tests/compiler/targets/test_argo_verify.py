"""The verifier of exports for Argo: silent on what is exported, and it names what is broken."""

from __future__ import annotations

import pytest

from kitchen.compiler.targets.argo.verify import RULES, verify
from kitchen.compiler.targets.argo.verify.logic import LogicError, terms
from tests.compiler.targets.argo_mutants import MUTANTS, Mutation, rich

#: Where a mutation cannot but break another rule, too.
ALSO = {"an ending that is none": {"variables-known"}}


def broken(mutate: Mutation) -> set[str]:
    documents = rich()
    mutate(documents)
    return {fault.rule for fault in verify(documents)}


def test_what_is_exported_holds() -> None:
    assert list(verify(rich())) == []


@pytest.mark.parametrize(
    ("rule", "what", "mutate"), MUTANTS, ids=[f"{rule}: {what}" for rule, what, _ in MUTANTS]
)
def test_a_mutant_breaks_its_rule_and_no_other(rule: str, what: str, mutate: Mutation) -> None:
    assert broken(mutate) == {rule, *ALSO.get(what, ())}


def test_every_rule_has_a_mutant() -> None:
    assert {rule for rule, _, _ in MUTANTS} == RULES.keys()


def test_faults_are_told_with_their_place() -> None:
    documents = rich()
    next(mutate for rule, _, mutate in MUTANTS if rule == "no-cycles")(documents)
    assert [str(fault) for fault in verify(documents)] == [
        "main: these wait for each other: number, train (no-cycles)"
    ]


@pytest.mark.parametrize("text", ["", "a &&& b", "a &&", "(a", "a)", "a b", "!", "a || || b", "&"])
def test_what_is_no_rule(text: str) -> None:
    with pytest.raises(LogicError):
        terms(text)


def test_rules_are_read_as_argo_reads_them() -> None:
    assert terms("!(a.Failed) && b || c.Skipped") == [("a", "Failed"), ("b", ""), ("c", "Skipped")]
