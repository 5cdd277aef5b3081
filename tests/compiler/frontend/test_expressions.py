"""Expressions: their trees, their types, the places of their parts, and what is refused."""

from __future__ import annotations

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kitchen.compiler.frontend.expression import parse_expression, parse_setting
from kitchen.compiler.frontend.reader import read
from kitchen.compiler.frontend.syntax import Scalar
from kitchen.ir.diagnostic import Diagnostic, Label, did_you_mean
from kitchen.ir.expr import (
    OPERATORS,
    Apply,
    Const,
    EvaluationError,
    Expr,
    Get,
    Ref,
    Value,
    evaluate,
)
from kitchen.ir.infix import infix
from kitchen.ir.source import Source, Span
from kitchen.ir.types import (
    BOOL,
    FLOAT,
    INT,
    STR,
    UNKNOWN,
    Kind,
    Type,
    list_of,
    optional,
    record,
    stream_of,
)
from tests.compiler.frontend.faults import shown

BEST = Type("Best", Kind.SCALAR, (), (("loss", FLOAT), ("stop", BOOL)))
TYPES = {
    "epoch": INT,
    "rate": FLOAT,
    "name": STR,
    "done": BOOL,
    "best": BEST,
    "last": optional(BEST),
    "limit": optional(INT),
    "names": list_of(STR),
    "counts": list_of(INT),
    "batches": stream_of(Type("Batch", Kind.ARTIFACT)),
    "dataset": Type("Dataset", Kind.ARTIFACT, (), (("rows", INT),)),
    "settings": Type("Record"),
    "anything": UNKNOWN,
}
HELD = {
    "epoch": 3,
    "rate": 0.5,
    "name": "tiny",
    "done": False,
    "best": {"loss": 1.5, "stop": True},
    "last": None,
    "limit": None,
    "names": ["a", "b"],
    "counts": [4, 2],
    "anything": 1,
}


class Reading:
    """A scope of the names above; what is reported is kept."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []

    def name(self, name: str, span: Span) -> Expr:
        if name not in TYPES:
            label = Label(span, "not defined")
            message = f"there is no value or parameter `{name}`"
            self.diagnostics.append(
                Diagnostic("K102", message, label, (), did_you_mean(name, TYPES))
            )
        return Ref(Value(name, 0, TYPES.get(name, UNKNOWN)), span)

    def expression(self, text: str) -> Expr:
        source = Source("recipe.yaml", text)
        scalar = Scalar(text, True, source, 0, len(text))
        return parse_expression(scalar, self.name, self.diagnostics.append)

    def setting(self, text: str, expected: Type | None = None) -> Expr:
        root, diagnostics = read(Source("recipe.yaml", text))
        assert root is not None, diagnostics
        return parse_setting(root, self.name, self.diagnostics.append, expected)


def value(expr: Expr) -> object:
    return evaluate(expr, lambda read: HELD[read.name])


TYPED = {
    "1": (INT, 1),
    "-1": (INT, -1),
    "- epoch": (INT, -3),
    "+epoch": (INT, 3),
    "1e-4": (FLOAT, 1e-4),
    "0x1F + 0o17": (INT, 46),
    "'a' + name": (STR, "atiny"),
    "true": (BOOL, True),
    "null": (Type("None"), None),
    "[1, 2]": (list_of(INT), [1, 2]),
    "[1, rate]": (list_of(FLOAT), [1, 0.5]),
    "names + ['c']": (list_of(STR), ["a", "b", "c"]),
    "epoch + 1": (INT, 4),
    "epoch / 2": (FLOAT, 1.5),
    "epoch // 2": (INT, 1),
    "epoch % 2 * rate": (FLOAT, 0.5),
    "epoch > 0 and (epoch + 1) % 2 == 0": (BOOL, True),
    "0 < epoch <= 3": (BOOL, True),
    "not done or epoch == 7": (BOOL, True),
    "name in names": (BOOL, False),
    "'in' in name": (BOOL, True),
    "epoch not in [1, 2]": (BOOL, True),
    "epoch == rate": (BOOL, False),
    "best.loss": (FLOAT, 1.5),
    "best.loss if best.stop else 0": (FLOAT, 1.5),
    "range(epoch)": (list_of(INT), range(3)),
    "range(1, epoch, 2)": (list_of(INT), range(1, 3, 2)),
    "len(names)": (INT, 2),
    "len(name)": (INT, 4),
    "min(epoch, rate)": (FLOAT, 0.5),
    "max(counts)": (INT, 4),
    "round(rate)": (INT, 0),
    "round(rate, 1)": (FLOAT, 0.5),
    "default(limit, 5)": (INT, 5),
    "default(limit, rate)": (FLOAT, 0.5),
    "default(last, best).loss": (FLOAT, 1.5),
    "last == None": (BOOL, True),
    "last != None and last.loss < 1": (BOOL, False),
    "last == None or last.loss < 1": (BOOL, True),
    "not (last == None) and last.stop": (BOOL, False),
    "limit + 1 if limit != null else 0": (INT, 0),
    "0 if limit == None else limit + 1": (INT, 0),
    "limit != None and epoch > 0 and limit > 3": (BOOL, False),
    "anything + 'x' if anything else anything.field": (UNKNOWN, None),
    "epoch\n  + 1": (INT, 4),
    "  epoch  ": (INT, 3),
}


@pytest.mark.parametrize("text", TYPED)
def test_types_and_values(text: str):
    reading = Reading()
    expr = reading.expression(text)
    type_, wanted = TYPED[text]
    assert reading.diagnostics == []
    assert expr.type == type_
    if type_ != UNKNOWN:
        assert value(expr) == wanted


REFUSED = [
    # not an expression
    "",
    "1 +",
    "epoch epoch",
    "epoch = 1",
    "(epoch",
    "epoch if done",
    "'open",
    "${epoch}",
    "\0",
    "for",
    # beyond the language
    "epoch ** 2",
    "epoch is None",
    "epoch is not None",
    "epoch & 1",
    "~epoch",
    "names[0]",
    "(1, 2)",
    "{1, 2}",
    "{'a': 1}",
    "[n for n in names]",
    "lambda: 1",
    "f'{epoch}'",
    "b'bytes'",
    "1j",
    "...",
    "len",
    "len(items=names)",
    "names.append(1)",
    "(lambda: 1)()",
    "range(*counts)",
    # names
    "rang(3)",
    "print(1)",
    "best.los",
    "epoch.real",
    "dataset.__class__",
    "epohc + 1",
    # types
    "name + 1",
    "name * 3",
    "name % 3",
    "done + 1",
    "-name",
    "epoch > '3'",
    "name < 3",
    "epoch == name",
    "dataset == dataset",
    "epoch in name",
    "epoch and done",
    "not name",
    "1 if names else 2",
    "1 if done else 'a'",
    "len(epoch)",
    "range(rate)",
    "range()",
    "min(epoch)",
    "max(names)",
    "round(name)",
    "default(epoch)",
    "default(limit, name)",
    # absent
    "limit + 1",
    "last.loss > 1",
    "limit > 1 or limit == None",
    "limit != None or limit > 1",
    "None + 1",
    "range(limit)",
    # bounds
    "1e400",
    "99999999999999999999",
    "(" * 300,
    "[" * 60 + "]" * 60,
    "not " * 60 + "done",
    "1 + " * 60 + "1",
    "1 + " * 1000 + "1",
    # places in wide text
    "'🍳é' + epoch",
]


def test_what_is_refused(golden):
    said = []
    for text in REFUSED:
        reading = Reading()
        reading.expression(text)
        assert reading.diagnostics, text
        said.append(shown(text if len(text) < 300 else f"{text[:60]}...", reading.diagnostics))
    assert "\n".join(said) == golden


@pytest.mark.parametrize("text", [text for text in REFUSED if len(text) < 300])
def test_one_mistake_gives_one_message(text: str):
    reading = Reading()
    reading.expression(f"default(anything, ({text})).field + 1" if text[:2] != "${" else text)
    assert len(reading.diagnostics) == 1


def places(expr: Expr) -> list[str]:
    """The text of every part, outermost first."""
    found = [expr.span.text if expr.span is not None else "?"]
    match expr:
        case Get(of=of):
            found += places(of)
        case Apply(args=args):
            for arg in args:
                found += places(arg)
    return found


def test_every_part_has_its_place():
    expr = Reading().expression("'🍳' in names and best.loss*2 >= -rate")
    assert places(expr) == [
        "'🍳' in names and best.loss*2 >= -rate",
        "'🍳' in names",
        "'🍳'",
        "names",
        "best.loss*2 >= -rate",
        "best.loss*2",
        "best.loss",
        "best",
        "2",
        "-rate",
        "rate",
    ]


SETTINGS = {
    "tiny": ("tiny", STR),
    "1e-4": (1e-4, FLOAT),
    "'1e-4'": ("1e-4", STR),
    "[1, 2.5]": ([1, 2.5], list_of(FLOAT)),
    "{a: 1, b: [x]}": ({"a": 1, "b": ["x"]}, record(a=INT, b=list_of(STR))),
    "[]": ([], Type("List", Kind.SCALAR, (UNKNOWN,))),
    "[1, a]": ([1, "a"], Type("List", Kind.SCALAR, (UNKNOWN,))),
    "${epoch}": (3, INT),
    '"${epoch + 1}"': (4, INT),
    '["${epoch}", 1]': ([3, 1], list_of(INT)),
    '{step: "${epoch}", name: x}': ({"step": 3, "name": "x"}, record(step=INT, name=STR)),
    "model-${name}-${epoch}": ("model-tiny-3", STR),
    "${name}${epoch}": ("tiny3", STR),
    "done ${done}": ("done false", STR),
    "${'}'} and ${\"{\"}": ("} and {", STR),
    "text: {a}": ({"text": {"a": None}}, record(text=record(a=Type("None")))),
    "$${name} costs $5": ("${name} costs $5", STR),
    "$$${name}": ("$${name}", STR),
    "a $ {name} }": ("a $ {name} }", STR),
}


@pytest.mark.parametrize("text", SETTINGS)
def test_settings(text: str):
    reading = Reading()
    expr = reading.setting(text)
    wanted, type_ = SETTINGS[text]
    assert reading.diagnostics == []
    assert expr.type == type_
    assert (value(expr), type(value(expr))) == (wanted, type(wanted))
    assert isinstance(expr, Const) is ("${" not in text.replace("$${", ""))


def test_text_is_read_as_text_where_text_is_expected():
    for text in ("0755", "1e-4", "true", "NO", "0x1F", ".nan"):
        assert value(Reading().setting(text, STR)) == text
        assert value(Reading().setting(text, optional(STR))) == text
        assert value(Reading().setting(f"[{text}]", list_of(STR))) == [text]
        assert value(Reading().setting(f"{{a: {text}}}", record(a=STR))) == {"a": text}
    assert value(Reading().setting("null", STR)) is None


REFUSED_SETTINGS = [
    '"${epoch"',
    '"a ${ {1: 2} b"',
    "${}",
    "a ${} b",
    ".nan",
    "[1, 1e400]",
    "${epohc}",
    "{a: ['${rang(3)}']}",
    "last-${limit}",
    "all-${names}",
    "all-${best}",
    "${best}-${last}",
    "a: |\n  first line\n  second ${epohc} line\n",
    "a: >-\n  first line\n  second ${epohc} line\n",
    'a: "caf\\u00e9 \\\n  ${epohc}"',
    "a: 'it''s ${epohc}'",
    "a: first\n  second ${epohc}",
]


def test_settings_that_are_refused(golden):
    said = []
    for text in REFUSED_SETTINGS:
        reading = Reading()
        reading.setting(text)
        assert len(reading.diagnostics) == 1 + (text == "${best}-${last}"), text
        said.append(shown(text, reading.diagnostics))
    assert "\n".join(said) == golden


def test_a_long_text_may_have_many_expressions():
    lines = [f"  line {number} of ${{epoch + {number}}}" for number in range(2_000)]
    reading = Reading()
    expr = reading.setting("\n".join([">-", *lines]))
    assert reading.diagnostics == []
    assert isinstance(expr, Apply)
    last = expr.args[-1]
    assert last.span is not None
    assert (last.span.text, last.span.line) == ("epoch + 1999", 2_001)
    assert str(value(expr)).endswith("line 1998 of 2001 line 1999 of 2002")


WORDS = ["epoch", "rate", "name", "limit", "best", ".loss", "1", "2.5", "'a'", "+", "-", "*", "/"]
WORDS += ["%", "(", ")", "[", "]", ",", "<", "==", "in", "and", "or", "not", "if", "else", "len"]
WORDS += ["range", "default", "None", "true", "\n", "é", "\0", "${", "}", "\\", "lambda", ":", "**"]


@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS)).map(" ".join)))
@example("-" * 990 + "1")
@example("(" * 150 + "1" + ")" * 150)
@example("'\\N{bullet}'")
@example("1if done else 2")
@example("'\\d'")
def test_any_text_gives_an_expression_or_diagnostics(text: str):
    reading = Reading()
    expr = reading.expression(text)
    for part in parts(expr):
        assert part.span is not None
        assert 0 <= part.span.start <= part.span.end <= len(text)
    for diagnostic in reading.diagnostics:
        assert diagnostic.primary is not None
        assert 0 <= diagnostic.primary.span.start <= diagnostic.primary.span.end <= len(text)


def parts(expr: Expr) -> list[Expr]:
    match expr:
        case Get(of=of):
            return [expr, *parts(of)]
        case Apply(args=args):
            return [expr, *(inner for arg in args for inner in parts(arg))]
    return [expr]


@given(st.one_of(st.text(), st.text(alphabet=st.sampled_from("${}'\"\\ a+1\né"))))
def test_any_scalar_gives_a_setting_or_diagnostics(text: str):
    source = Source("recipe.yaml", text)
    reading = Reading()
    scalar = Scalar(text, False, source, 0, len(text))
    expr = parse_setting(scalar, reading.name, reading.diagnostics.append, None)
    if "${" not in text:
        assert expr == Const(text, STR)
    for part in parts(expr):
        assert part.span is not None
        assert 0 <= part.span.start <= part.span.end <= len(text)


LEAVES = st.sampled_from(["epoch", "rate", "counts", "name", "done", "1", "2.5", "'a'", "true"])


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = st.sampled_from(["+", "-", "*", "//", "%", "<", "==", "and", "or", "in"])
    return st.one_of(
        st.tuples(inner, signs, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        inner.map(lambda text: f"not {text}"),
        inner.map(lambda text: f"-{text}"),
        st.tuples(inner, inner).map(lambda t: f"[{t[0]}, {t[1]}]"),
        inner.map(lambda text: f"len({text})"),
        st.tuples(inner, inner).map(lambda t: f"min({t[0]}, {t[1]})"),
    )


@given(st.recursive(LEAVES, grown, max_leaves=8))
def test_what_is_typed_evaluates_as_python_does(text: str):
    reading = Reading()
    expr = reading.expression(text)
    if reading.diagnostics:
        return
    names = dict(HELD, true=True, len=len, min=min)
    try:
        wanted = _python(text, names)
    except (ArithmeticError, ValueError):
        with pytest.raises(EvaluationError):
            value(expr)
        return
    assert value(expr) == wanted
    assert Reading().expression(infix(expr)) == expr


def _python(text: str, names: dict[str, object]) -> object:
    """What Python makes of an expression of the words above."""

    def of(node: ast.AST) -> object:
        match node:
            case ast.Constant(value=held):
                return held
            case ast.Name(id=name):
                return names[name]
            case ast.List(elts=items):
                return [of(item) for item in items]
            case ast.IfExp():
                return of(node.body) if of(node.test) else of(node.orelse)
            case ast.BoolOp(op=ast.And()):
                return all(of(side) for side in node.values)
            case ast.BoolOp():
                return any(of(side) for side in node.values)
            case ast.UnaryOp(op=ast.Not()):
                return not of(node.operand)
            case ast.UnaryOp():
                return OPERATORS["neg"](of(node.operand))
            case ast.Call(func=ast.Name(id=name)):
                return OPERATORS[name](*map(of, node.args))
            case ast.BinOp():
                return OPERATORS[_SIGNS[type(node.op)]](of(node.left), of(node.right))
            case ast.Compare(ops=[op], comparators=[right]):
                return OPERATORS[_SIGNS[type(op)]](of(node.left), of(right))
        raise AssertionError(ast.dump(node))

    return of(ast.parse(text, mode="eval").body)


_SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Lt: "<",
    ast.Eq: "==",
    ast.In: "in",
}
