"""Text to nodes: positions, what is refused, and that no text brings the reader down."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kitchen.compiler.frontend.reader import load, read
from kitchen.compiler.frontend.reader.files import MAX_CHARACTERS
from kitchen.compiler.frontend.reader.tree import MAX_NODES
from kitchen.compiler.frontend.syntax import Mapping, Node, Scalar, Sequence
from kitchen.ir.source import Source, Span
from tests.compiler.frontend.faults import shown

REFUSED = {
    "alias_of_itself": "a: &x [*x]",
    "alias_of_nothing": "files: *.jsonl",
    "backtick": "model: `tiny`",
    "bidi": 'model: "tiny\u202eyl"',
    "bracket_open": "params:\n  names: [a, b\n  epochs: 3\n",
    "carriage_return": "a: 1\rb: 2\n",
    "colon_in_value": "doc: train: the model\n",
    "control_character": "model: \x07tiny",
    "directive": "%TAG ! tag:example,2000:\n---\na: 1",
    "empty": "",
    "escape": 'path: "C:\\data"',
    "expression_in_braces": "with: {model: ${model}, size: 3}",
    "expression_in_brackets": "over: [${first}]",
    "indentation": "params:\n  model: tiny\n epochs: 2\n",
    "key_list": "? [a, b]\n: 1",
    "key_number": "1: a\ntrue: b\nnull: c",
    "key_twice": "epochs: 1\nmodel: tiny\nepochs: 2\nmodel: tiny",
    "line_separator": "a: x\u2028y",
    "list_in_line": "steps: - stage: a",
    "lone_surrogate": "a: \ud800",
    "merge_key": "a: &a {x: 1}\nb:\n  <<: *a",
    "no_value_after_bracket": "a: ]",
    "nul": "a: \x00",
    "only_comments": "# nothing\n# at all\n",
    "quote_open": 'params:\n  model: "tiny\n  epochs: 2\n',
    "several_documents": "kitchen: 1\n---\nkitchen: 1\n",
    "tab": "params:\n\tmodel: tiny\n",
    "tag": "a: !!python/object/apply:os.system [ls]\nb: !local 3",
    "text_in_list": "- a\nb: 3",
    "text_line": "a: 1\nnonsense\n",
    "wide_characters": "名: 🍳\n 鍋: [\n",
    "yaml_version": "%YAML 1.3\n---\na: 1",
}


def source(text: str) -> Source:
    return Source("recipe.yaml", text)


def nodes(root: Node) -> Iterator[Node]:
    """Every node, keys included."""
    yield root
    match root:
        case Sequence(items=items):
            for item in items:
                yield from nodes(item)
        case Mapping(items=pairs):
            for key, value in pairs:
                yield key
                yield from nodes(value)


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str, golden):
    root, diagnostics = read(source(REFUSED[case]))
    assert root is None
    assert shown(REFUSED[case], diagnostics) == golden


def test_every_node_has_its_place():
    text = (
        "plain: word\r\n"
        "😀 é: 'it''s'\r\n"
        'flow: {a: [1, 2], b: "\\u00e9"}\n'
        "block: |\n  two\n  lines\n\n"
        "empty:\n"
        "list:\n  - x # comment\n  - y: z\n\n# the end\n"
    )
    root, diagnostics = read(source(text))
    assert diagnostics == ()
    assert isinstance(root, Mapping)
    written = [(type(node).__name__, node.span.text) for node in nodes(root)]
    assert written == [
        ("Mapping", text[: text.index("\n\n# the end")]),
        ("Scalar", "plain"),
        ("Scalar", "word"),
        ("Scalar", "😀 é"),
        ("Scalar", "'it''s'"),
        ("Scalar", "flow"),
        ("Mapping", '{a: [1, 2], b: "\\u00e9"}'),
        ("Scalar", "a"),
        ("Sequence", "[1, 2]"),
        ("Scalar", "1"),
        ("Scalar", "2"),
        ("Scalar", "b"),
        ("Scalar", '"\\u00e9"'),
        ("Scalar", "block"),
        ("Scalar", "|\n  two\n  lines"),
        ("Scalar", "empty"),
        ("Scalar", ""),
        ("Scalar", "list"),
        ("Sequence", "- x # comment\n  - y: z"),
        ("Scalar", "x"),
        ("Mapping", "y: z"),
        ("Scalar", "y"),
        ("Scalar", "z"),
    ]
    assert str(root.items[1][1].span) == "recipe.yaml:2:6"


def test_a_document_may_start_within_a_text():
    given = Source("--set", "names=[a, b]")
    root, diagnostics = read(given, start=6)
    assert diagnostics == ()
    assert isinstance(root, Sequence)
    assert [item.span for item in root.items] == [Span(given, 7, 8), Span(given, 10, 11)]


def test_an_alias_repeats_what_it_names():
    root, diagnostics = read(source("a: &names [x, y]\nb: *names"))
    assert diagnostics == ()
    assert isinstance(root, Mapping)
    assert root.get("a") == root.get("b") == Sequence(tuple(_words(root)), root.items[0][1].span)


def _words(root: Mapping) -> Iterator[Scalar]:
    found = root.get("a")
    assert isinstance(found, Sequence)
    for item in found.items:
        yield Scalar(item.span.text, True, item.span.source, item.span.start, item.span.end)


def laughs(levels: int) -> str:
    """Few lines that stand for 9 ** levels words."""
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x]"]
    for level in range(1, levels):
        repeated = ", ".join([f"*l{level - 1}"] * 9)
        lines.append(f"l{level}: &l{level} [{repeated}]")
    return "\n".join(lines)


BOUNDS = {
    "brackets": "[" * 100_000,
    "braces": "{a: " * 100_000,
    "dashes": "- " * 100_000,
    "keys": "\n".join(" " * depth + "a:" for depth in range(2_000)),
    "laughs": laughs(9),
    "deep_aliases": "\n".join(
        f"l{level}: &l{level} [" + (f"*l{level - 1}" if level else "x") + "]"
        for level in range(100)
    ),
    "items": "[" + "a," * (MAX_NODES + 1) + "]",
    "characters": "a" * (MAX_CHARACTERS + 1),
}


@pytest.mark.parametrize("case", BOUNDS)
def test_documents_are_bounded(case: str, golden):
    root, diagnostics = read(source(BOUNDS[case]))
    assert root is None
    assert shown(BOUNDS[case][:200], diagnostics) == golden


def test_what_is_just_within_the_bounds_is_read():
    for text in ("[" * 64 + "]" * 64, laughs(5), "- a\n" * 10_000):
        root, diagnostics = read(source(text))
        assert (root is not None, diagnostics) == (True, ())


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_left_as_it_was(enabled: bool):
    before = gc.isenabled()
    try:
        gc.enable() if enabled else gc.disable()
        read(source("a: 1"))
        read(source("a: ["))
        assert gc.isenabled() is enabled
    finally:
        gc.enable() if before else gc.disable()


YAML_TEXT = st.text(alphabet=st.sampled_from("ab1 \n\t:-,[]{}#&*!|>'\"%@`?~$\\<é😀\r\x00\u2028"))


@given(st.one_of(st.text(), YAML_TEXT, st.text(alphabet=st.characters(codec=None))))
@example("\ufeff")
@example("? ")
@example("&a *a : 1")
@example("a: |2\n  x\n")
def test_any_text_gives_nodes_or_diagnostics(text: str):
    root, diagnostics = read(source(text))
    assert (root is None) == bool(diagnostics)
    for node in nodes(root) if root is not None else ():
        assert 0 <= node.span.start <= node.span.end <= len(text)
    for diagnostic in diagnostics:
        assert diagnostic.primary is not None
        span = diagnostic.primary.span
        assert 0 <= span.start <= span.end <= len(text)


PRINTABLE = st.text(alphabet=st.characters(min_codepoint=32, exclude_categories=("Cs", "Cc")))
DATA = st.recursive(
    PRINTABLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PRINTABLE, inner, max_size=4),
    max_leaves=20,
)


def texts(root: Node) -> object:
    match root:
        case Scalar(text=text):
            return text
        case Sequence(items=items):
            return [texts(item) for item in items]
        case Mapping(items=pairs):
            return {key.text: texts(value) for key, value in pairs}


@given(DATA)
def test_json_reads_as_it_was_written(data: object):
    written = json.dumps(data, ensure_ascii=True)
    root, diagnostics = read(source(written))
    if "\\ud" in written:  # YAML has no pairs of surrogates
        return
    assert diagnostics == ()
    assert root is not None
    assert texts(root) == data


def test_files_that_cannot_be_read(tmp_path: Path, golden):
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin.yaml").write_bytes("kitchen: 1\nrecipe: café\n".encode("latin-1"))
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(4 * MAX_CHARACTERS + 1)
    said = []
    for name in ("missing.yaml", "folder", "latin.yaml", "huge.yaml", "nul\0.yaml", "x" * 300):
        found, diagnostics = load(tmp_path / name, name=name)
        assert found is None
        said.append(shown(name, diagnostics))
    assert "\n".join(said) == golden


def test_a_file_is_read_as_utf8(tmp_path: Path):
    path = tmp_path / "recipe.yaml"
    path.write_bytes("\ufeffrecipe: café 🍳\r\n".encode())
    found, diagnostics = load(path)
    assert diagnostics == ()
    assert found == Source(str(path), "recipe: café 🍳\r\n")
