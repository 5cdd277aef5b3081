"""K0: what is written is no recipe or template."""

from __future__ import annotations

from kitchen.compiler.codes.code import Code

CODES: tuple[Code, ...] = ()
