"""The text of programs and of expressions."""

from __future__ import annotations

import pytest

from kitchen.ir.expr import Get
from kitchen.ir.program import Annotations, Binding, Origin, Resources, Retry
from kitchen.ir.text import expr_text, program_text
from kitchen.ir.types import BOOL, INT, STR, list_of, optional
from tests.compiler.builders import (
    CELL,
    apply,
    branch,
    expr,
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


def test_every_kind_of_op(golden):
    cell = [value("cell"), *(value(f"cell.{index}", CELL) for index in range(1, 6))]
    cell[0] = value("cell", CELL)
    x, y, i, sums = value("x"), value("y"), value("i"), value("sums", list_of(INT))
    notes = Annotations(
        retry=Retry(3, 0.5, 30.0),
        timeout=90.0,
        resources=Resources(cpu=2.0, memory="8Gi", gpu=1, nodes=1),
        cache=False,
        image="kitchen:1",
    )
    text = program_text(
        program(
            stage("open_cell", cell[0], config={"value": value("k")}, annotations=notes),
            loop(
                span_of(value("k")),
                region(
                    stage("bump", (x, cell[2]), cell=cell[1], by=i, config={"label": "a"}),
                    params=(i, cell[1]),
                    results=(cell[2],),
                ),
                carry=(cell[0],),
                outputs=(cell[3],),
                while_=apply("<", i, 5, type=BOOL),
                until=apply(">", x, 9, type=BOOL),
                max=4,
                checkpoint=2,
            ),
            map_over(
                [1, 2],
                region(
                    stage("add", value("s"), left=value("j.1"), right=1, called="first_sum"),
                    params=(value("j.1"),),
                    results=(value("s"),),
                ),
                outputs=(sums,),
                called="j",
            ),
            branch(
                value("on", BOOL),
                region(stage("number", y), results=(y,)),
                region(results=(None,)),
                outputs=(value("y.1", optional(INT)),),
            ),
            branch(apply("not", value("on", BOOL), type=BOOL), region(stage("report", value=1))),
            finally_=region(
                stage("close_cell", cell[5], cell=cell[4], called="close"), params=(cell[4],)
            ),
            on_failure=region(stage("report", value=0)),
            params=(parameter("k", 3), parameter("on", True, BOOL)),
            bindings=(Binding(port="journal", adapter="lines", config=(("path", "a b"),)),),
            workflow="toys",
        )
    )
    assert text == golden("ir")


def test_an_empty_program():
    assert program_text(program()) == "program toy {\n}\n"


def test_who_set_a_parameter():
    set_by_hand = [
        parameter("k", 3).__class__(value=value("k"), setting=3, origin=origin) for origin in Origin
    ]
    lines = program_text(program(params=tuple(set_by_hand))).splitlines()[1:-1]
    assert [line.strip() for line in lines] == [
        "param k: Int = 3 (default)",
        "param k: Int = 3 (recipe)",
        "param k: Int = 3 (--set)",
    ]


a, b, c = value("a"), value("b.2"), value("c", BOOL)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (apply("*", apply("+", a, 1), b), "(%a + 1) * %b.2"),
        (apply("-", a, apply("-", b, 1)), "%a - (%b.2 - 1)"),
        (apply("-", apply("-", a, b), 1), "%a - %b.2 - 1"),
        (apply("neg", apply("+", a, b)), "-(%a + %b.2)"),
        (apply("and", c, apply("or", c, c, type=BOOL), type=BOOL), "%c and (%c or %c)"),
        (apply("not", apply("==", a, b, type=BOOL), type=BOOL), "not %a == %b.2"),
        (apply("if", c, a, b), "%a if %c else %b.2"),
        (apply("default", a, 0), "default(%a, 0)"),
        (apply("list", a, b, type=list_of(INT)), "[%a, %b.2]"),
        (apply("record", "x", a), '{"x": %a}'),
        (apply("format", "n=", a, "!", type=STR), '"n=${%a}!"'),
        (Get(expr(a), "loss", INT), "%a.loss"),
        (expr(None), "null"),
        (expr(True), "true"),
        (expr('say "hi"'), '"say \\"hi\\""'),
        (expr({"a": [1, 2]}), '{"a": [1, 2]}'),
    ],
)
def test_expressions(given, text):
    assert expr_text(given) == text


def test_different_random_programs_have_different_texts():
    texts = {program_text(random_program(seed)) for seed in range(100)}
    assert len(texts) == 100
