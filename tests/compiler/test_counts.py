"""How often each op runs, told from the program alone."""

from __future__ import annotations

from kitchen.compiler.counts import MOST, Count, count
from kitchen.ir.expr import Apply, Const, Expr, Ref, Value
from kitchen.ir.program import Branch, Loop, Map, Op, Program, Region, Stage
from kitchen.ir.types import BOOL, INT, STR, list_of, stream_of

ROUND, TURN, ITEM = Value("round", 0, INT), Value("turn", 0, INT), Value("item", 0, STR)
UNKNOWN = Value("given", 0, INT)


def step(name: str) -> Stage:
    return Stage(name=name, stage=name)


def numbers(*limits: object) -> Expr:
    args = tuple(limit if isinstance(limit, Ref) else Const(limit, INT) for limit in limits)
    return Apply("range", args, list_of(INT))


def loop(name: str, over: Expr, *ops: Op, variable: Value = TURN, **ends: Expr) -> Loop:
    return Loop(name=name, over=over, body=Region(params=(variable,), ops=ops), **ends)


def every(variable: Value, interval: int) -> Expr:
    left = Apply("%", (Ref(variable), Const(interval, INT)), INT)
    return Apply("==", (left, Const(0, INT)), BOOL)


def when(condition: Expr, *then: Op, orelse: tuple[Op, ...] = ()) -> Branch:
    return Branch(
        name="when", condition=condition, then=Region(ops=then), orelse=Region(ops=orelse)
    )


def times(*ops: Op) -> dict[str, int | str]:
    return {
        name: runs.times.known
        for name, runs in count(Program(name="p", body=Region(ops=ops))).items()
    }


def test_products_through_nested_loops() -> None:
    inner = loop("inner", numbers(4), step("a"), variable=ROUND)
    found = times(loop("outer", numbers(3), inner, step("b")), step("c"))
    assert found == {"outer": 1, "inner": 3, "a": 12, "b": 3, "c": 1}


def test_an_inner_loop_whose_length_depends_on_the_outer_one() -> None:
    inner = loop("inner", numbers(Ref(TURN)), step("a"), variable=ROUND)
    program = Program(name="p", body=Region(ops=(loop("outer", numbers(4), inner),)))
    runs = count(program)
    assert runs["a"].times == Count(6, 6)
    assert runs["inner"].trips == Count(0, 3)


def test_conditions_on_loop_variables_are_counted() -> None:
    branch = when(every(TURN, 3), step("yes"), orelse=(step("no"),))
    found = times(loop("turns", numbers(10), branch))
    assert (found["yes"], found["no"]) == (4, 6)


def test_conditions_on_what_a_run_makes_give_a_bound() -> None:
    branch = when(every(UNKNOWN, 3), step("yes"), orelse=(step("no"),))
    found = times(loop("turns", numbers(10), branch))
    assert (found["yes"], found["no"]) == ("<=10", "<=10")


def test_loops_that_may_end_early_give_a_bound() -> None:
    found = times(loop("turns", numbers(10), step("a"), until=every(UNKNOWN, 2)))
    assert found["a"] == "<=10"


def test_streams_are_known_to_a_run_only() -> None:
    stream = Ref(Value("batches", 0, stream_of(INT)))
    inner = loop("inner", stream, step("a"), variable=ROUND)
    found = times(loop("outer", numbers(3), inner, step("b")))
    assert (found["a"], found["b"]) == ("?", 3)


def test_a_known_loop_in_an_unknown_one() -> None:
    stream = Ref(Value("batches", 0, stream_of(INT)))
    inner = loop("inner", numbers(4), step("a"), variable=ROUND)
    runs = count(Program(name="p", body=Region(ops=(loop("outer", stream, inner),))))
    assert runs["inner"].trips == Count(4, 4)
    assert runs["a"].times.known == "?"


def test_what_never_runs_never_runs_however_often_it_is_in_a_stream() -> None:
    stream = Ref(Value("batches", 0, stream_of(INT)))
    never = when(Const(False, BOOL), loop("never", stream, step("a")))
    assert times(never)["a"] == 0


def test_maps_run_once_for_each_item() -> None:
    items = Const(["x", "y"], list_of(STR))
    each = Map(name="map", over=items, body=Region(params=(ITEM,), ops=(step("a"),)))
    assert times(each)["a"] == 2


def test_a_loop_that_ends_by_its_condition_alone() -> None:
    program = Loop(name="loop", while_=every(UNKNOWN, 2), body=Region(ops=(step("a"),)))
    assert times(program)["a"] == "?"


def test_long_loops_are_not_gone_through_one_by_one() -> None:
    branch = when(every(TURN, 2), step("some"))
    found = times(loop("turns", numbers(MOST * 1000), branch, step("all")))
    assert found["all"] == MOST * 1000
    assert found["some"] == f"<={MOST * 1000}"


def test_endings_run_at_most_once() -> None:
    program = Program(
        name="p", on_failure=Region(ops=(step("a"),)), finally_=Region(ops=(step("b"),))
    )
    runs = count(program)
    assert (runs["a"].times.known, runs["b"].times.known) == ("<=1", 1)
