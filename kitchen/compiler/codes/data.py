"""K6: data sets that cannot be trained on."""

from __future__ import annotations

from kitchen.compiler.codes.code import Code

CODES: tuple[Code, ...] = ()
