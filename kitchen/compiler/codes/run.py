"""K7: what goes wrong while a program runs."""

from __future__ import annotations

from kitchen.compiler.codes.code import Code

CODES: tuple[Code, ...] = ()
