"""Every rule that programs obey, and a program that breaks it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kitchen.ir.expr import Const, Get, Ref
from kitchen.ir.program import Binding, Program
from kitchen.ir.types import BOOL, FLOAT, INT, UNKNOWN, Kind, Type, list_of, optional, stream_of
from kitchen.ir.verify import verify
from tests.compiler.builders import (
    CELL,
    apply,
    branch,
    loop,
    map_over,
    parameter,
    program,
    region,
    span_of,
    stage,
    value,
)
from tests.compiler.random_programs import random_program
from tests.compiler.toy_stages import REGISTRY

x, y, z, i = value("x"), value("y"), value("z"), value("i")
xs = value("xs", list_of(INT))
c0, c1, c2, c3 = (value(f"c.{index}", CELL) for index in range(4))
number = stage("number", x)
opened = stage("open_cell", c0)


def bump(old, new, *, by=1, name="held", **more):
    return stage("bump", (value(name), new), cell=old, by=by, **more)


def closing(old, last, called="close_cell"):
    return stage("close_cell", last, cell=old, called=called)


def round_of(*ops, carry=(), params=(), results=(), outputs=(), **clauses):
    body = region(*ops, params=(i, *params), results=results)
    return loop(span_of(2), body, carry=carry, outputs=outputs, **clauses)


CLEAN: dict[str, Program] = {
    "nothing": program(),
    "outer values are in sight": program(number, round_of(stage("report", value=x))),
    "a handle is carried": program(
        opened,
        round_of(bump(c1, c2), carry=(c0,), params=(c1,), results=(c2,), outputs=(c3,)),
        stage("save", y, cell=c3),
    ),
    "a handle is read, then updated": program(opened, stage("save", y, cell=c0), bump(c0, c1)),
    "a handle is updated on one side": program(
        number,
        opened,
        branch(
            apply(">", x, 1, type=BOOL),
            region(bump(c0, c1), results=(c1,)),
            region(results=(c0,)),
            outputs=(c2,),
        ),
        stage("save", y, cell=c2),
    ),
    "a loop ends by what its body makes": program(
        round_of(number, until=apply(">", x, 1, type=BOOL))
    ),
    "a handle of the body is updated there": program(round_of(opened, bump(c0, c1))),
    "an end reads by name": program(
        opened, finally_=region(stage("close_cell", c2, cell=c1), params=(c1,))
    ),
    "unknown types fit": program(
        stage("number", value("u", UNKNOWN)), stage("report", value=value("u", UNKNOWN))
    ),
    "a handle is closed on one side, and that is passed on": program(
        opened,
        branch(
            True,
            region(closing(c0, c1), results=(c1,)),
            region(results=(c0,)),
            outputs=(c2,),
        ),
    ),
    "what is closed goes round, and is made again in each round": program(
        opened,
        closing(c0, c1),
        round_of(
            stage("open_cell", c3, called="again"),
            closing(c3, value("c.4", CELL), called="closed"),
            carry=(c1,),
            params=(c2,),
            results=(value("c.4", CELL),),
            outputs=(value("c.5", CELL),),
        ),
    ),
    "a field of a handle is carried, not the handle": program(
        opened,
        round_of(
            stage("save", z, cell=c0),
            stage("add", y, left=x, right=z),
            carry=(Get(Ref(c0), "number", INT),),
            params=(x,),
            results=(y,),
            outputs=(value("x.1"),),
        ),
        stage("save", value("z.1"), cell=c0),
    ),
    "a parameter is in sight everywhere": program(
        round_of(stage("report", value=value("k"))), params=(parameter("k", 1),)
    ),
}

BROKEN: dict[str, tuple[Program, str]] = {
    "twice": (program(number, stage("number", x)), "`number`: %x is defined a second time"),
    "as the parameter": (
        program(number, params=(parameter("x", 1),)),
        "`number`: %x is defined a second time",
    ),
    "in both arms": (
        program(branch(True, region(number), region(number))),
        "`number`: %x is defined a second time",
    ),
    "before": (program(stage("report", value=x), number), "`report`: %x is read where it is not"),
    "never": (program(stage("report", value=x)), "`report`: %x is read where it is not in sight"),
    "another type of the same name": (
        program(number, stage("report", value=value("x", FLOAT))),
        "%x is read where it is not in sight",
    ),
    "outside a loop": (
        program(round_of(number), stage("report", value=x)),
        "`report`: %x is read where it is not in sight",
    ),
    "outside an arm": (
        program(branch(True, region(number)), stage("report", value=x)),
        "`report`: %x is read where it is not in sight",
    ),
    "the body, by the end": (
        program(number, finally_=region(stage("report", value=x))),
        "`report`: %x is read where it is not in sight",
    ),
    "its own loop variable, before": (
        program(loop(span_of(i), region(params=(i,)))),
        "`i`: %i is read where it is not in sight",
    ),
    "what the body makes, before it": (
        program(round_of(number, while_=apply(">", x, 1, type=BOOL))),
        "`i`: %x is read where it is not in sight",
    ),
    "one output too few": (program(stage("ends", x, value=1)), "`ends`: 1 outputs, not 2"),
    "the next version not given": (program(opened, stage("double", cell=c0)), "0 outputs, not 1"),
    "an output of another type": (
        program(stage("number", value("x", CELL))),
        "`number`: %x is Cell, the stage gives Int",
    ),
    "no such stage": (program(stage("cook", x)), "`cook`: there is no stage `cook`"),
    "no such input": (program(stage("number", x, salt=1)), "`number` has no input `salt`"),
    "no such setting": (
        program(stage("number", x, config={"salt": 1})),
        "`number` has no setting `salt`",
    ),
    "an input given twice": (
        program(replace(number, stage="ends", inputs=(("value", Ref(x)),) * 2)),
        "`number`: an input is given twice",
    ),
    "a setting given twice": (
        program(replace(number, config=(("value", Const(1, INT)),) * 2)),
        "`number`: a setting is given twice",
    ),
    "an input missing": (program(stage("ends", (x, y))), "the input `value` is not given"),
    "an input of another type": (
        program(opened, stage("report", value=c0)),
        "`report`: `value` takes Int?, not Cell",
    ),
    "an optional input where there must be one": (
        program(number, stage("even", value("o", optional(INT)), value=x),
                stage("ends", (y, z), value=value("o", optional(INT)))),
        "`ends`: `value` takes Int, not Int?",
    ),
    "carried, and no parameter": (
        program(number, loop(span_of(2), region(params=(i,), results=(x,)), carry=(x,),
                             outputs=(y,))),
        "`i`: 1 parameters of the body, not 2",
    ),
    "carried, and not given back": (
        program(number, round_of(carry=(x,), params=(y,), outputs=(z,))),
        "`i`: 0 results of the body, not 1",
    ),
    "carried, and no output": (
        program(number, round_of(carry=(x,), params=(y,), results=(y,))),
        "`i`: 0 outputs, not 1",
    ),
    "a start of another type": (
        program(opened, round_of(carry=(c0,), params=(y,), results=(y,), outputs=(z,))),
        "`i`: the start is Cell, not Int",
    ),
    "a result of another type": (
        program(number, opened, round_of(carry=(x,), params=(y,), results=(c0,), outputs=(z,))),
        "`i`: the result is Cell, not Int",
    ),
    "an output of another type than carried": (
        program(number, round_of(carry=(x,), params=(y,), results=(y,), outputs=(c1,))),
        "`i`: the end is Int, not Cell",
    ),
    "nothing to go over": (
        program(number, loop(x, region(params=(i,)))),
        "`i`: %i is Int, it goes over Int",
    ),
    "an item of another type": (
        program(loop(span_of(2), region(params=(c0,)))),
        "`i`: %c is Cell, it goes over List[Int]",
    ),
    "arms of different length": (
        program(branch(True, region(number, results=(x,)), outputs=(y,))),
        "`if`: 0 results, not 1",
    ),
    "an arm of another type": (
        program(branch(True, region(opened, results=(c0,)), region(results=(1,)), outputs=(y,))),
        "`if`: the result is Cell, not Int",
    ),
    "an arm with parameters": (
        program(branch(True, region(params=(x,)))),
        "`if`: 1 parameters of an arm, not 0",
    ),
    "a map that gives no list": (
        program(map_over([1], region(params=(i,), results=(i,)), outputs=(y,))),
        "`i`: %y is Int, not a list of Int",
    ),
    "a map that gives a stream": (
        program(map_over([1], region(params=(i,), results=(i,)),
                         outputs=(value("s", stream_of(INT)),))),
        "`i`: %s is Stream[Int], not a list of Int",
    ),
    "a map with more outputs than results": (
        program(map_over([1], region(params=(i,)), outputs=(xs,))),
        "`i`: 0 results of the body, not 1",
    ),
    "a map without its item": (
        program(map_over([1], region())),
        "`i`: 0 parameters of the body, not 1",
    ),
    "a constant Python alone knows": (
        program(stage("number", x, config={"value": Const((1, 2), UNKNOWN)})),
        "`number`: (1, 2) is no constant",
    ),
    "such a constant inside": (
        program(stage("number", x, config={"value": apply("+", Const({1: 2}, UNKNOWN), 1)})),
        "`number`: {1: 2} is no constant",
    ),
    "a parameter set to a range": (
        program(params=(parameter("k", range(3)),)),
        "parameter `k`: range(0, 3) is no constant",
    ),
    "a port set to bytes": (
        program(bindings=(Binding(port="journal", adapter="lines", config=(("p", b"a"),)),)),
        "`p` of port `journal`: b'a' is no constant",
    ),
    "read after it was updated": (
        program(opened, bump(c0, c1), stage("save", y, cell=c0)),
        "`save`: %c is read after it was updated",
    ),
    "updated twice": (
        program(opened, bump(c0, c1), bump(c0, c2, name="again", called="again")),
        "`again`: %c is read after it was updated",
    ),
    "updated and read at once": (
        program(opened, stage("bump", (x, c1), cell=c0, by=Get(Ref(c0), "number", INT))),
        "`bump`: %c is updated and read by one step",
    ),
    "updated on one side, read after": (
        program(opened, branch(True, region(bump(c0, c1))), stage("save", y, cell=c0)),
        "`save`: %c is read after it was updated",
    ),
    "updated, and given back as it was": (
        program(
            opened,
            branch(True, region(bump(c0, c1), results=(c0,)), region(results=(c0,)),
                   outputs=(c2,)),
        ),
        "the end of its region: %c is read after it was updated",
    ),
    "updated in a loop that does not carry it": (
        program(opened, round_of(bump(c0, c1))),
        "`i`: %c is updated in a body that does not carry it",
    ),
    "updated in a map": (
        program(opened, map_over([1], region(bump(c0, c1), params=(i,)))),
        "`i`: %c is updated in a body that does not carry it",
    ),
    "carried, and read from outside": (
        program(
            opened,
            round_of(stage("save", y, cell=c0), bump(c1, c2), carry=(c0,), params=(c1,),
                     results=(c2,), outputs=(c3,)),
        ),
        "`i`: %c is carried, and read from outside",
    ),
    "carried away, and read after": (
        program(
            opened,
            round_of(bump(c1, c2), carry=(c0,), params=(c1,), results=(c2,), outputs=(c3,)),
            stage("save", y, cell=c0),
        ),
        "`save`: %c is read after it was updated",
    ),
    "closed, then read": (
        program(opened, closing(c0, c1), stage("save", y, cell=c1)),
        "`save`: %c.1 is read after it was closed",
    ),
    "closed, then read as it was": (
        program(opened, closing(c0, c1), stage("save", y, cell=c0)),
        "`save`: %c is read after it was updated",
    ),
    "closed on one side, then read": (
        program(
            opened,
            branch(True, region(closing(c0, c1), results=(c1,)), region(results=(c0,)),
                   outputs=(c2,)),
            stage("save", y, cell=c2),
        ),
        "`save`: %c.2 is read after it was closed",
    ),
    "closed in each round": (
        program(
            opened,
            round_of(closing(c1, c2), carry=(c0,), params=(c1,), results=(c2,), outputs=(c3,)),
        ),
        "`i`: %c.1 is read after a round that closed it",
    ),
    "closed in a loop, then read": (
        program(
            opened,
            round_of(stage("open_cell", c2, called="again"), closing(c2, value("c.4", CELL)),
                     carry=(c0,), params=(c1,), results=(value("c.4", CELL),), outputs=(c3,)),
            stage("save", y, cell=c3),
        ),
        "`save`: %c.3 is read after it was closed",
    ),
    "old at the end of a round": (
        program(
            opened,
            round_of(bump(c1, c2), carry=(c0,), params=(c1,), results=(c2,), outputs=(c3,),
                     until=apply(">", Get(Ref(c1), "number", INT), 1, type=BOOL)),
        ),
        "`i`: %c.1 is read after it was updated",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CLEAN)
def test_programs_that_obey(name):
    assert verify(CLEAN[name], REGISTRY) == []


@pytest.mark.parametrize("name", BROKEN)
def test_programs_that_break_a_rule(name):
    broken, message = BROKEN[name]
    faults = verify(broken, REGISTRY)
    assert any(message in fault for fault in faults), faults


def test_random_programs_obey():
    assert [seed for seed in range(100) if verify(random_program(seed), REGISTRY)] == []


def test_a_type_is_told_by_its_content():
    other = Type("Cell", Kind.ARTIFACT)
    faults = verify(program(opened, stage("save", y, cell=value("c", other))), REGISTRY)
    assert "`save`: %c is read where it is not in sight" in faults
