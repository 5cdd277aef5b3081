"""What a user wrote gets into a file as a literal or a comment, and as nothing else."""

from __future__ import annotations

import ast
import subprocess
import sys
import tokenize
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2.sandbox import SandboxedEnvironment

from kitchen.compiler.targets.airflow.naming import LIMIT, Variables, dag_id, task_id
from kitchen.compiler.targets.airflow.pods import templated
from kitchen.compiler.targets.airflow.python_source import (
    assign,
    call,
    comment,
    docstring,
    literal,
    name,
    spread,
    statement,
)

#: Texts that have ended strings, comments and templates before.
ODD = (
    "'", '"', '"""', "\\", "\n", "\r", "\x0c", "\x00", "\u2028", "\u202e", "{{", "{%", "{#", "}}",
    "${x}", "$(x)", "`", "#", "\N{SNOWMAN}", "\ud800", "import os", "\\N{BULLET}", "{", "%}",
)  # fmt: skip
TEXTS = st.lists(st.one_of(st.sampled_from(ODD), st.text(max_size=5)), max_size=8).map("".join)
WRITABLE = TEXTS.filter(lambda text: text.isascii() or "\ud800" not in text)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | WRITABLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WRITABLE, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(value=PLAIN, depth=st.integers(0, 3))
def test_literals_come_back(value: Any, depth: int) -> None:
    text = assign("x", literal(value))
    (made,) = ast.parse(text).body
    assert isinstance(made, ast.Assign)
    assert ast.literal_eval(made.value) == value
    assert type(ast.literal_eval(made.value)) is type(value)


@given(text=TEXTS)
def test_a_comment_is_a_comment(text: str) -> None:
    lines = comment(text, "    ")
    if "\ud800" not in lines:
        kinds = {each.type for each in tokenize.generate_tokens(StringIO(lines).readline)}
        assert kinds <= {tokenize.COMMENT, tokenize.NL, tokenize.ENDMARKER}
    assert ast.parse(f"if x:\n    y\n{lines}    z\n").body[0].body[1:] != []  # type: ignore[attr-defined]


@given(text=TEXTS.filter(str.strip))
def test_a_docstring_is_what_it_says(text: str) -> None:
    (made,) = ast.parse(docstring(text)).body
    assert isinstance(made, ast.Expr)
    assert isinstance(made.value, ast.Constant)
    shown = made.value.value
    assert isinstance(shown, str)
    assert [line.rstrip() for line in shown.split("\n")][: text.strip().count("\n") + 1]


@given(text=WRITABLE)
def test_a_template_says_what_was_meant(text: str) -> None:
    """As the provider of Kubernetes renders it: jinja ends lines in its own way."""
    rendered = SandboxedEnvironment().from_string(templated(text)).render()
    assert rendered == text.replace("\r\n", "\n").replace("\r", "\n")


NAMES = st.from_regex(r"[A-Za-z_]\w{0,8}(/[A-Za-z_]\w{0,4})?", fullmatch=True) | TEXTS | st.text()


@given(names=st.lists(NAMES, unique=True))
def test_no_two_names_have_one_id(names: list[str]) -> None:
    for make in (task_id, dag_id):
        ids = [make(each) for each in names]
        assert len({*ids}) == len(names)
        assert all(0 < len(each) <= LIMIT - 60 for each in ids)
        assert all(set(each) <= ALLOWED for each in ids)
    variables = Variables(frozenset({"kitchen"}))
    made = [variables.of(task_id(each)) for each in names]
    assert len({*made}) == len(names)
    assert "kitchen" not in made
    ast.parse("".join(f"{each} = 1\n" for each in made))


ALLOWED = {*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"}


def test_a_long_name_is_cut_and_told_apart() -> None:
    ids = {task_id("x" * length) for length in range(180, 310, 10)}
    assert len(ids) == 13
    assert max(map(len, ids)) <= LIMIT - 60


@pytest.mark.parametrize("width", [3, 30, 60, 90])
def test_layout_is_that_of_a_formatter(width: int) -> None:
    """Whatever its length, `ruff format` leaves a statement as it is written here."""
    word = "w" * width
    text = assign("x", literal([word, word]))
    text += assign("y", literal({word: {"a": [1, 2], "b": word}, "c": None}))
    text += statement(call("x.y", literal(word), z=literal(word)))
    text += statement(spread(call("x.y", literal(word), z=call("f", name("x"), y=literal(word)))))
    text += assign("z", call(spread(call("x.y", a=literal(1))), literal(word), b=literal(word)))
    fluent = call(spread(call("x.o", a=literal(1))), literal(1))
    text += assign("z", call(ast.Attribute(fluent.func, "partial"), a=literal(word)))
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--line-length", "100", "--diff", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
