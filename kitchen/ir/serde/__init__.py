"""Programs as JSON, and back: exact, versioned, and named by a digest.

Equal programs have equal JSON but for spans and removals. A type stands once in `types`, and
values name theirs by its place there; what holds its default is left out. A span is written
`file:line:column:length`; it comes back only if the source of that name is given.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from kitchen.ir.program import Origin, Program
from kitchen.ir.serde.reading import program_from_json
from kitchen.ir.serde.shapes import FormatError
from kitchen.ir.serde.writing import VERSION, program_to_json


def digest(program: Program) -> str:
    """What names a program by its content: wherever it was written, whatever was removed.

    Who gave a parameter its value, and what its author says of it, are no part of the content.
    """
    params = tuple(replace(param, origin=Origin.DEFAULT, doc="") for param in program.params)
    content = program_to_json(replace(program, params=params), spans=False)
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


__all__ = ["VERSION", "FormatError", "digest", "program_from_json", "program_to_json"]
