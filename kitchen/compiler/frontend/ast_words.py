"""Python's syntax nodes by what they are called here, and those the language leaves out."""

from __future__ import annotations

import ast

ARITHMETIC: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
}
COMPARISON: dict[type[ast.AST], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}

#: What it is called, and what to write in its place.
_OUTSIDE: dict[type[ast.AST], tuple[str, str]] = {
    ast.Pow: ("`**`", "write the product out"),
    ast.MatMult: ("`@`", "write `*` to multiply"),
    ast.Is: ("`is`", "write `==`"),
    ast.IsNot: ("`is not`", "write `!=`"),
    ast.BitAnd: ("`&`", "write `and`"),
    ast.BitOr: ("`|`", "write `or`"),
    ast.BitXor: ("`^`", "write `!=` between two conditions"),
    ast.LShift: ("`<<`", "write the product out"),
    ast.RShift: ("`>>`", "write `//` to divide"),
    ast.Invert: ("`~`", "write `not`"),
    ast.Subscript: ("`[...]` behind a value", "read a field with a dot: `value.field`"),
    ast.Tuple: ("a tuple", "write a list: `[a, b]`"),
    ast.Set: ("a set", "write a list: `[a, b]`"),
    ast.Dict: ("a mapping", "write it as YAML, with `${...}` for its values"),
    ast.NamedExpr: ("`:=`", "write `==` to compare"),
    ast.JoinedStr: ("an f-string", 'write `"...${value}..."` under `with:`'),
}
_ELSE = "literals, names, fields, arithmetic, comparison, `and`, `or`, `not`, `in`, `x if c else y`"


def outside(node: ast.AST) -> tuple[str, str]:
    """What a piece of syntax that is not of the language is called, and the cure."""
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        return "a comprehension", "use a `loop` or `map` step"
    if isinstance(node, ast.Lambda):
        return "`lambda`", f"an expression has {_ELSE}"
    return _OUTSIDE.get(type(node), ("this", f"an expression has {_ELSE}"))
