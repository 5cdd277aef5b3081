"""K5: what a target cannot express."""

from __future__ import annotations

from kitchen.compiler.codes.code import Code

CODES: tuple[Code, ...] = ()
