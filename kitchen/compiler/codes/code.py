"""The page behind a diagnostic's code."""

from __future__ import annotations

from textwrap import dedent

from kitchen.ir.frozen import frozen


@frozen
class Code:
    """A kind of fault: what it is, why it matters, a document that has it, and the cure.

    `example` is a recipe, a template, or both with `---` between them; None where only a run can
    show the fault. `kitchen explain CODE` prints all of it.
    """

    code: str
    title: str
    why: str
    example: str | None
    cure: str


def page(code: str, title: str, *, why: str, cure: str, example: str | None = None) -> Code:
    """A code whose texts are written indented, as the tables beside this file do."""
    flat = " ".join
    shown = None if example is None else dedent(example).strip("\n") + "\n"
    return Code(code, title, flat(why.split()), shown, flat(cure.split()))
