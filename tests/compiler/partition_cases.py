"""Programs that show one rule of the partition each, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kitchen.compiler.partition.handles import Repeats
from kitchen.ir.expr import Expr, Get, Ref, Value
from kitchen.ir.program import (
    Annotations,
    Op,
    Program,
    Region,
    Resources,
    Retry,
    Stage,
)
from kitchen.ir.spec import Effect
from kitchen.ir.types import BOOL, INT, list_of, stream_of
from kitchen.ir.walk import substitute
from tests.compiler.builders import (
    CELL,
    apply,
    branch,
    expr,
    loop,
    map_over,
    program,
    region,
    span_of,
    stage,
    value,
)
from tests.compiler.random_programs import SCORE
from tests.compiler.toy_stages import REGISTRY

#: The toys, of which some read the world: they are no mere arithmetic and get tasks of their own.
BUSY = replace(
    REGISTRY,
    stages={
        name: replace(spec, effect=Effect.READS) if name in ("add", "total", "judge") else spec
        for name, spec in REGISTRY.stages.items()
    },
)

CASES: dict[str, Callable[[], Program]] = {}


def case(make: Callable[[], Program]) -> Callable[[], Program]:
    CASES[make.__name__] = make
    return make


@case
def there_and_back() -> Program:
    """A and B share a cell; C reads of A and is read by B. Apart, A and B would wait for C."""
    return program(
        stage("open_cell", value("cell", CELL), called="a"),
        stage("peek", value("x"), cell=value("cell", CELL)),
        stage("add", value("y"), left=value("x"), right=1, called="c"),
        stage("bump", (value("z"), value("cell.1", CELL)), cell=value("cell", CELL),
              by=value("y"), called="b"),
        stage("report", value=value("z")),
    )  # fmt: skip


@case
def pure_makers() -> Program:
    """Two loops go over one stream, which is made in each of their tasks."""
    stream = value("stream", stream_of(INT))
    return program(
        stage("sense", value("n")),
        stage("steps", stream, value=value("n")),
        loop(stream, region(stage("report", value=value("i"), called="report_1"),
             params=(value("i"),)), called="i"),
        loop(stream, region(stage("report", value=value("j"), called="report_2"),
             params=(value("j"),)), called="j"),
    )  # fmt: skip


@case
def field_of_a_handle() -> Program:
    """A cell is bumped by what another holds: the number crosses, the cell does not."""
    number = Get(expr(value("first.1", CELL)), "number", INT)
    first, second = value("first", CELL), value("second", CELL)
    return program(
        stage("open_cell", first, called="open_first"),
        stage("double", value("first.1", CELL), cell=first),
        stage("open_cell", second, called="open_second"),
        stage("bump", (value("x"), value("second.1", CELL)), cell=second, by=number),
        stage("report", value=number),
        stage("save", value("y"), cell=value("second.1", CELL)),
        stage("total", value("z"), values=apply("list", number, type=list_of(INT))),
        stage("report", value=value("z"), called="report_total"),
    )


@case
def field_before_an_update() -> Program:
    """The number is read while the cell still has it, so one task has both cells."""
    first, second = value("first", CELL), value("second", CELL)
    return program(
        stage("open_cell", first, called="open_first", config={"value": 3}),
        stage("open_cell", second, called="open_second"),
        stage("bump", (value("x"), value("second.1", CELL)), cell=second,
              by=Get(expr(first), "number", INT)),
        stage("double", value("first.1", CELL), cell=first),
        stage("save", value("y"), cell=value("second.1", CELL)),
    )  # fmt: skip


@case
def resources() -> Program:
    """A line of four, of which the last two ask for a GPU."""
    gpu = Annotations(resources=Resources(gpu=1))
    return program(
        stage("sense", value("a")),
        stage("add", value("b"), left=value("a"), right=1, called="add_1"),
        stage("add", value("c"), left=value("b"), right=1, called="add_2", annotations=gpu),
        stage("report", value=value("c"), annotations=gpu),
    )


@case
def merged_annotations() -> Program:
    """A session asks for the most that one of its steps asks for."""
    first = Annotations(
        retry=Retry(2, 1.0), timeout=10, resources=Resources(cpu=4, memory="900Mi"), image="a"
    )
    second = Annotations(
        retry=Retry(1, 5.0), timeout=20, resources=Resources(gpu=1, memory="1Gi"), image="a"
    )
    return program(
        stage("open_cell", value("cell", CELL), annotations=first),
        stage("save", value("x"), cell=value("cell", CELL), annotations=second),
    )


@case
def guarded() -> Program:
    """A step of its own behind a condition, which the task before it computes."""
    score = value("score", SCORE)
    return program(
        stage("sense", value("x")),
        stage("judge", score, value=value("x")),
        branch(
            Get(expr(score), "good", BOOL),
            region(stage("report", value=value("x"), called="report_good")),
            region(stage("report", value=0, called="report_bad")),
        ),
    )


@case
def fan_in() -> Program:
    """A map over a list that a task makes, and a step that reads all of what comes back."""
    found = value("found", list_of(INT))
    return program(
        stage("sense", value("x")),
        map_over(
            apply("range", value("x"), type=list_of(INT)),
            region(
                stage("add", value("y"), left=value("i"), right=value("x")),
                params=(value("i"),),
                results=(value("y"),),
            ),
            (found,),
        ),
        stage("total", value("z"), values=found),
        stage("report", value=value("z")),
    )


@case
def rounds() -> Program:
    """A loop of two tasks that ends when a value says so, and one whose body is one task."""
    return program(
        stage("sense", value("x")),
        loop(
            span_of(5),
            region(
                stage("add", value("x.2"), left=value("x.1"), right=value("i"), called="add_1"),
                stage("report", value=value("i"), called="report_1"),
                params=(value("i"), value("x.1")),
                results=(value("x.2"),),
            ),
            carry=(value("x"),),
            outputs=(value("x.3"),),
            until=apply(">", value("x.2"), 8, type=BOOL),
        ),
        loop(
            span_of(2),
            region(
                stage("add", value("x.5"), left=value("x.4"), right=value("j"), called="add_2"),
                params=(value("j"), value("x.4")),
                results=(value("x.5"),),
            ),
            carry=(value("x.3"),),
            outputs=(value("x.6"),),
            called="j",
        ),
        stage("report", value=value("x.6"), called="report_2"),
    )


@case
def endings() -> Program:
    """What needs the cell ends its task; the rest of the endings are tasks of their own."""
    by_name = (value("cell.2", CELL), value("x.1"))
    return program(
        stage("open_cell", value("cell", CELL)),
        stage("bump", (value("x"), value("cell.1", CELL)), cell=value("cell", CELL), by=2),
        stage("report", value=value("x")),
        on_failure=region(stage("report", value=0, called="report_failure")),
        finally_=region(
            stage("close_cell", value("cell.3", CELL), cell=value("cell.2", CELL)),
            stage("report", value=value("x.1"), called="report_last"),
            params=by_name,
        ),
    )


@case
def last_words() -> Program:
    """The cell is saved at the end, after a number that has nothing to do with it is written."""
    return program(
        stage("sense", value("x")),
        stage("open_cell", value("cell", CELL)),
        stage("double", value("cell.1", CELL), cell=value("cell", CELL)),
        finally_=region(
            stage("report", value=value("x.1")),
            stage("save", value("y"), cell=value("cell.2", CELL)),
            params=(value("x.1"), value("cell.2", CELL)),
        ),
    )


@case
def closed_where_opened() -> Program:
    """A cell that is opened behind a condition is closed there, and the branch is still cut."""
    return program(
        stage("sense", value("x")),
        branch(
            apply(">", value("x"), 3, type=BOOL),
            region(
                stage("add", value("y"), left=value("x"), right=1),
                stage("open_cell", value("cell", CELL), config={"value": value("y")}),
                stage("save", value("z"), cell=value("cell", CELL)),
                stage("add", value("w"), left=value("z"), right=1, called="add_2"),
                stage("report", value=value("w")),
            ),
        ),
        finally_=region(
            stage("close_cell", value("cell.2", CELL), cell=value("cell.1", CELL)),
            params=(value("cell.1", CELL),),
        ),
    )


@case
def ended_in_a_cycle() -> Program:
    """A branch that opens a cell stays whole, for another cell is read and updated around it."""
    first, second = value("first", CELL), value("second", CELL)
    return program(
        stage("open_cell", first, called="open_first"),
        stage("peek", value("x"), cell=first),
        branch(
            apply(">=", value("x"), 0, type=BOOL),
            region(
                stage("report", value=value("x")),
                stage("open_cell", second, called="open_second"),
                stage("save", value("y"), cell=second),
                results=(value("y"),),
            ),
            region(results=(0,)),
            (value("z"),),
        ),
        stage("bump", (value("w"), value("first.1", CELL)), cell=first, by=value("z")),
        stage("save", value("v"), cell=value("first.1", CELL), called="save_first"),
        finally_=region(
            stage("close_cell", value("second.2", CELL), cell=value("second.1", CELL)),
            params=(value("second.1", CELL),),
        ),
    )


@case
def small_steps() -> Program:
    """Arithmetic joins its only maker or its only reader; between several it stays apart."""
    return program(
        stage("sense", value("a"), called="sense_1"),
        stage("sense", value("b"), called="sense_2"),
        stage("even", value("c"), value=value("a")),
        stage("ends", (value("low"), value("high")), value=value("b")),
        stage("refuse", value("d"), value=apply("+", value("low"), value("a"))),
        stage("report", value=value("d"), called="report_1"),
        stage("report", value=value("c"), called="report_2"),
        stage("report", value=value("high"), called="report_3"),
    )


def two_images() -> Program:
    """One cell in two images."""
    one, other = Annotations(image="trainer:1"), Annotations(image="trainer:2")
    return program(
        stage("open_cell", value("cell", CELL), annotations=one, at=12),
        stage("save", value("x"), cell=value("cell", CELL), annotations=other, at=14),
    )


def with_fields(program: Program) -> Program:
    """The program with fields in the place of looks at cells that nothing changes."""
    repeats = Repeats(program, REGISTRY)
    known: dict[Value, Expr] = {}
    kept: list[Op] = []
    by_name = {param.name for param in (*program.on_failure.params, *program.finally_.params)}
    for op in program.body.ops:
        given = dict(op.inputs).get("cell") if isinstance(op, Stage) else None
        plain = isinstance(op, Stage) and op.stage in ("peek", "glance")
        free = isinstance(given, Ref) and given.value not in repeats.passed_on
        if plain and free and op.outputs[0].name not in by_name and given is not None:
            known[op.outputs[0]] = Get(given, "number", INT)
        else:
            kept.append(op)
    return replace(program, body=substitute(Region(ops=tuple(kept)), known))
