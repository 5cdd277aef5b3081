"""Python source from syntax trees, laid out as `black` and `ruff format` leave it.

What a user wrote gets into a file as a literal only: `literal` is the one way in.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Iterator, Mapping

WIDTH = 100
STEP = "    "


def literal(value: object) -> ast.expr:
    """The syntax tree of a plain value: a scalar, None, or lists and dicts of them."""
    match value:
        case None | bool() | str() | int():
            return ast.Constant(value)
        case float() if math.isfinite(value):
            return ast.Constant(value)
        case list() | tuple():
            return ast.List([literal(item) for item in value])
        case Mapping():
            items = [(literal(key), literal(item)) for key, item in value.items()]
            return ast.Dict([key for key, _ in items], [item for _, item in items])
    raise TypeError(f"{value!r} has no literal")


def name(word: str) -> ast.expr:
    """A variable."""
    assert word.isidentifier()
    return ast.Name(word)


def call(function: ast.expr | str, *args: ast.expr, **keywords: ast.expr) -> ast.Call:
    """A call; the function is a tree or a dotted name."""
    if isinstance(function, str):
        first, *rest = function.split(".")
        function = name(first)
        for part in rest:
            function = attribute(function, part)
    named = [ast.keyword(key, value) for key, value in keywords.items()]
    return ast.Call(function, list(args), named)


def attribute(owner: ast.expr, word: str) -> ast.expr:
    assert word.isidentifier()
    return ast.Attribute(owner, word)


def assign(target: str, value: ast.expr, indent: str = "") -> str:
    """`target = value`."""
    return f"{indent}{written(name(target))} = {laid_out(value, indent, len(target) + 3)}\n"


def statement(value: ast.expr, indent: str = "") -> str:
    return f"{indent}{laid_out(value, indent, 0)}\n"


# ------------------------------------------------------------------------------------- on one line


def written(node: ast.expr) -> str:
    """An expression on one line."""
    match node:
        case ast.Constant(value=str(text)):
            return quoted(text)
        case ast.Constant(value=value):
            return repr(value)
        case ast.Name(id=word):
            return word
        case ast.Attribute(value=owner, attr=word):
            return f"{written(owner)}.{word}"
        case ast.Call(func=function):
            return f"{written(function)}({', '.join(_arguments(node))})"
        case ast.List(elts=items):
            return f"[{', '.join(map(written, items))}]"
        case ast.Dict():
            return f"{{{', '.join(_pairs(node))}}}"
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return f"{written(left)} + {written(right)}"
        case ast.Starred(value=value):
            return f"*{written(value)}"
    raise AssertionError(ast.dump(node))


def _arguments(node: ast.Call) -> Iterator[str]:
    yield from map(written, node.args)
    for keyword in node.keywords:
        yield f"{keyword.arg}={written(keyword.value)}"


def _pairs(node: ast.Dict) -> Iterator[str]:
    for key, value in zip(node.keys, node.values, strict=True):
        assert key is not None
        yield f"{written(key)}: {written(value)}"


def quoted(text: str) -> str:
    """A string literal in double quotes, or in single ones where that takes fewer escapes."""
    plain = repr(text)
    if plain.startswith('"'):
        return plain
    inside = plain[1:-1]
    doubled = inside.replace("\\'", "'").replace('"', '\\"')
    return plain if inside.count("\\'") < text.count('"') else f'"{doubled}"'


# ----------------------------------------------------------------------------------- on many lines


def laid_out(node: ast.expr, indent: str, used: int) -> str:
    """An expression from a column on, broken at its outermost brackets if it is too long."""
    flat = written(node)
    if len(indent) + used + len(flat) <= WIDTH and not _broken(node):
        return flat
    match node:
        case ast.Call() if _chain(node) > 1:
            return _fluent(node, indent)
        case ast.Call(func=function):
            head = laid_out(function, indent, used)
            flat = f"({', '.join(_arguments(node))})"
            before = len(head) - head.rfind("\n") - 1 + ("\n" not in head) * (len(indent) + used)
            if before + len(flat) <= WIDTH and not any(map(_broken, _parts(node))):
                return head + flat
            return head + _bracketed("(", _items(node, indent + STEP), ")", indent)
        case ast.Attribute(value=owner, attr=word):
            return f"{laid_out(owner, indent, used)}.{word}"
        case ast.List(elts=items):
            return _bracketed(
                "[", [laid_out(each, indent + STEP, 1) for each in items], "]", indent
            )
        case ast.Dict():
            return _bracketed("{", _entries(node, indent + STEP), "}", indent)
    return flat


class Spread(ast.Call):
    """A call that is written with a line for each argument, however short it is."""


def spread(node: ast.Call) -> ast.Call:
    return Spread(node.func, node.args, node.keywords)


def _broken(node: ast.AST) -> bool:
    return any(isinstance(each, Spread) for each in ast.walk(node))


def _parts(node: ast.Call) -> Iterator[ast.AST]:
    """What of a call stands behind its opening bracket; of a spread call, the call itself."""
    yield from node.args
    yield from node.keywords
    if isinstance(node, Spread):
        yield node


def _chain(node: ast.expr) -> int:
    """How many calls follow one another by dots behind the first."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Call() as before)):
            return 1 + _chain(before)
    return 0


def _fluent(node: ast.Call, indent: str) -> str:
    """A chain of calls in parentheses, a line for each."""
    deeper = indent + STEP
    calls: list[ast.Call] = []
    while isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
        calls.append(node)
        node = node.func.value
    lines = [f"{deeper}{laid_out(node, deeper, 0)}"]
    for each in reversed(calls):
        assert isinstance(each.func, ast.Attribute)
        own = ast.Call(ast.Name(f".{each.func.attr}"), each.args, each.keywords)
        lines.append(f"{deeper}{laid_out(own, deeper, 0)}")
    return "(\n" + "\n".join(lines) + f"\n{indent})"


def _items(node: ast.Call, indent: str) -> list[str]:
    items = [laid_out(each, indent, 1) for each in node.args]
    for keyword in node.keywords:
        assert keyword.arg is not None
        used = len(keyword.arg) + 2
        items.append(f"{keyword.arg}={laid_out(keyword.value, indent, used)}")
    return items


def _entries(node: ast.Dict, indent: str) -> list[str]:
    found = []
    for key, value in zip(node.keys, node.values, strict=True):
        assert key is not None
        head = written(key)
        found.append(f"{head}: {laid_out(value, indent, len(head) + 3)}")
    return found


def _bracketed(left: str, items: Iterable[str], right: str, indent: str) -> str:
    lines = "".join(f"{indent}{STEP}{item},\n" for item in items)
    return f"{left}\n{lines}{indent}{right}" if lines else left + right


# ------------------------------------------------------------------------------------------- texts


def comment(text: str, indent: str) -> str:
    """A comment of one line or more; whatever could end a line in it is written as an escape."""
    words, lines = [_visible(word) for word in text.split()], [""]
    for word in words:
        if lines[-1] and len(indent) + 2 + len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return "".join(f"{indent}# {line}\n" for line in lines if line)


def docstring(text: str) -> str:
    """A string in three double quotes, lines as they are."""
    lines = ["".join(map(_escaped, line)).rstrip() for line in text.strip().split("\n")]
    body = "\n".join(lines).replace('"""', '\\"\\"\\"')
    if body.endswith('"'):
        body = body[:-1] + '\\"'
    return f'"""{body}\n"""\n' if len(lines) > 1 else f'"""{body}"""\n'


def _visible(word: str) -> str:
    return "".join(char if char.isprintable() else _escape(char) for char in word)


def _escaped(char: str) -> str:
    return "\\\\" if char == "\\" else char if char.isprintable() else _escape(char)


def _escape(char: str) -> str:
    return re.sub(r"^'|'$", "", repr(char))
