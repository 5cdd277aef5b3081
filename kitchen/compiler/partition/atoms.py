"""What is put into tasks: ops, and what is computed for the clauses of ops that are cut."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kitchen.ir.expr import Expr, Value
from kitchen.ir.program import Branch, Loop, Map, Op, Stage

if TYPE_CHECKING:
    from kitchen.compiler.partition.level import Level


@dataclass(slots=True)
class Atom:
    """An op or something computed; `reads` are the values it needs, `makers` what it repeats."""

    name: str
    reads: dict[Value, None]
    makers: dict[str, Stage]
    makes: tuple[Value, ...]
    op: Op | None = None
    expr: Expr | None = None
    opened: Opened | None = None  #: its regions, if it can be cut
    clause_of: int | None = None  #: the atom of the op whose clause is computed here
    fields: dict[Value, None] = field(default_factory=dict)  #: handles read by fields alone
    ending: str = ""
    small: bool = False
    kept_whole: str = ""  #: why an op that no handle holds in one task is in one, in words
    dropped: bool = False  #: a clause of an op that stays whole after all


@dataclass(slots=True)
class Opened:
    """An op that can be cut: its clauses made plain, and its regions in sets."""

    op: Branch | Loop | Map
    clauses: tuple[tuple[str, str], ...]  #: as they were, in words
    levels: tuple[Level, ...]
    reads: dict[Value, None]  #: what all of it reads from around it
