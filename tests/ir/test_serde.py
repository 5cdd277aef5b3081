"""Programs as JSON: exact both ways, versioned, refused in words."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitchen.compiler.rewrites import REWRITES
from kitchen.ir.expr import Const, refs
from kitchen.ir.program import Annotations, Binding, Program, Resources, Retry
from kitchen.ir.serde import VERSION, FormatError, digest, program_from_json, program_to_json
from kitchen.ir.types import UNKNOWN
from kitchen.ir.walk import exprs, walk
from tests.compiler.builders import SCRATCH, parameter, program, stage, value
from tests.compiler.random_programs import PAPER, random_program
from tests.compiler.toy_stages import REGISTRY


def through_json(program: Program, **sources: Any) -> Program:
    return program_from_json(json.loads(json.dumps(program_to_json(program))), **sources)


def rewritten(seed: int) -> Program:
    """A random program behind all rewrites: it has removals."""
    found = random_program(seed)
    for rewrite in REWRITES:
        found = rewrite(found, REGISTRY)
    return found


@pytest.mark.parametrize("make", [random_program, rewritten])
def test_programs_come_back_as_they_were(make):
    for seed in range(100):
        before = make(seed)
        after = through_json(before)
        assert after == before
        assert after.removed == before.removed
        assert digest(after) == digest(before)


def test_spans_come_back_where_their_source_is_known():
    for seed in range(30):
        before = rewritten(seed)
        after = through_json(before, sources={PAPER.name: PAPER})
        assert repr_with_spans(after) == repr_with_spans(before)
        assert through_json(before).span is None


def repr_with_spans(program: Program) -> list[Any]:
    ops = [(op.name, op.span) for op in walk(program.body)]
    removed = [(removal, removal.span) for removal in program.removed]
    return [program.span, [(p.span, p.declared) for p in program.params], ops, removed]


constants = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(constants)
def test_constants_come_back_as_they_were(constant):
    made = program(
        stage("number", value("x"), config={"value": Const(constant, UNKNOWN)}),
        params=(parameter("k", constant),),
        bindings=(Binding(port="journal", adapter="lines", config=(("path", constant),)),),
    )
    back = through_json(made)
    assert back == made
    # Equality takes 1 for true and 0.0 for -0.0.
    assert repr(back) == repr(made)


def test_nan_comes_back():
    made = program(params=(parameter("k", [float("nan"), float("inf"), float("-inf")]),))
    assert repr(through_json(made).params[0].setting) == "[nan, inf, -inf]"
    assert digest(through_json(made)) == digest(made)


def test_annotations_come_back():
    for notes in (
        Annotations(cache=False),
        Annotations(retry=Retry(2), timeout=0.5),
        Annotations(retry=Retry(2, 0.0, 0.0)),
        Annotations(resources=Resources(), image=""),
        Annotations(resources=Resources(cpu=0.5, memory="1Gi", gpu=0, nodes=2)),
    ):
        made = program(stage("number", value("x"), annotations=notes))
        assert through_json(made) == made


def test_json_is_stable(golden):
    assert program_to_json(random_program(7, 3)) == golden("json")


def test_a_digest_names_the_content_alone():
    here = program(stage("number", value("x"), at=3), stage("report", value=value("x"), at=5))
    there = program(stage("number", value("x"), at=8), stage("report", value=value("x")))
    assert digest(here) == digest(there)
    assert digest(replace(here, removed=rewritten(3).removed)) == digest(here)
    assert len(digest(here)) == 64


def test_a_digest_tells_contents_apart():
    def of(constant: Any) -> str:
        given = {"value": Const(constant, UNKNOWN)}
        return digest(program(stage("number", value("x"), config=given)))

    contents = [1, 1.0, True, "1", None, [1], {"a": 1}, {"b": 1}, 0.0, -0.0, [], {}, "", [[]]]
    assert len({of(constant) for constant in contents}) == len(contents)
    made = [digest(random_program(seed)) for seed in range(200)]
    assert len(set(made)) == len(made)


# --------------------------------------------------------------------------------- refusals


def document() -> dict[str, Any]:
    made = program(
        stage("number", value("x"), config={"value": 1}, at=2), params=(parameter("k", 2),)
    )
    written: dict[str, Any] = json.loads(json.dumps(program_to_json(made)))
    return written


def change(path: str, new: Any) -> dict[str, Any]:
    """The document with one thing in it changed; `...` takes it away."""
    data = document()
    *way, last = [int(key) if key.isdecimal() else key for key in path.split(".")]
    place: Any = data
    for key in way:
        place = place[key]
    if new is ...:
        del place[last]
    else:
        place[last] = new
    return data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "this is no program: it has no `version`"),
        ({}, "this is no program: it has no `version`"),
        ({"version": 99}, f"version 99 is not known here; this reads {VERSION}"),
        ({"version": VERSION}, "the program has no `types`"),
        (change("name", 3), "`name` of the program is 3, not str"),
        (change("body", []), "`body` of the program is [], not dict"),
        (change("types.0.kind", "liquid"), "the kind of type 0 is 'liquid'"),
        (change("params.0.origin", "rumour"), "the origin of a parameter is 'rumour'"),
        (change("params.0.value", ["k", True, 0]), "['k', True, 0] is no value"),
        (change("params.0.setting", {"no": 1}), "{'no': 1} is no constant"),
        (change("params.0.setting", ...), "a parameter has no `setting`"),
        (change("body.ops.0.kind", "leap"), "op `number` is of the unknown kind 'leap'"),
        (change("body.ops.0.stage", ...), "stage `number` has no `stage`"),
        (change("body.ops.0.outputs.0.2", 44), "there is no type 44"),
        (change("body.ops.0.config.0", "value"), "a stage has 'value' where a name and a value"),
        (change("body.ops.0.config.0.1", {"type": 0}), "an expression has no `apply`"),
        (change("body.ops.0.span", "a.yaml:x"), "is 'a.yaml:x', not file:line:column:length"),
        (
            change("body.ops.0.config.0.1", {"apply": "exec", "args": [], "type": 0}),
            "there is no operator 'exec'",
        ),
    ],
)  # fmt: skip
def test_what_is_no_program_is_refused_in_words(data, message):
    with pytest.raises(FormatError) as refused:
        program_from_json(data, {SCRATCH.name: SCRATCH})
    assert message in str(refused.value)


def test_a_bottomless_program_is_refused():
    deep: Any = {"const": 1, "type": 0}
    for _ in range(100_000):
        deep = {"get": "of", "of": deep, "type": 0}
    with pytest.raises(FormatError, match="nested too deeply"):
        program_from_json(change("body.ops.0.config.0.1", deep))


def test_whatever_is_damaged_is_refused_or_read():
    """No fault of any document is anything but a FormatError."""
    refused = [seed for seed in range(400) if _refusal(seed)]
    assert len(refused) > 150


def _refusal(seed: int) -> str:
    random = Random(seed)
    data = json.loads(json.dumps(program_to_json(rewritten(seed % 20))))
    for _ in range(random.randrange(1, 3)):
        _damage(data, random)
    try:
        program_from_json(data, {PAPER.name: PAPER})
    except FormatError as fault:
        return str(fault)
    return ""


def _damage(data: Any, random: Random) -> None:
    place, key = data, random.choice(sorted(data))
    while isinstance(place[key], (dict, list)) and place[key] and random.random() < 0.85:
        place = place[key]
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = random.choice(list(keys))
    junk = [None, -1, 2**70, 0.5, "", "x", "a:1:1:1", [], {}, [1], {"const": 1}, True]
    place[key] = random.choice(junk)


def test_equal_values_are_read_as_one():
    made = program_from_json(program_to_json(random_program(5)))
    values = {out: out for op in walk(made.body) for out in op.outputs}
    reads = [ref.value for op in walk(made.body) for expr in exprs(op) for ref in refs(expr)]
    assert any(read in values for read in reads)
    assert all(read is values[read] for read in reads if read in values)
