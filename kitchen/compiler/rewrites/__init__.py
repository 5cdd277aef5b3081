"""Rewrites: a program in, a program that does the same with less work out. None ever reports.

Each obeys five laws, tested on its cases and on random programs: what comes out is *valid*; it is
*faithful* (the same results, the same writes in the same order; a run that fails may fail sooner,
or not at all where what failed was not needed); it is *settled* (a second time changes nothing);
everything in it is *located* (spans are kept); and a handle that is still opened is still *closed*,
if it was. What was removed, and why, is recorded.
"""

from __future__ import annotations

from collections.abc import Callable

from kitchen.compiler.rewrites.branches import fold_branches
from kitchen.compiler.rewrites.constants import fold_constants
from kitchen.compiler.rewrites.dead import eliminate_dead
from kitchen.compiler.rewrites.duplicates import merge_duplicates
from kitchen.compiler.rewrites.invariants import hoist_invariants
from kitchen.compiler.rewrites.loops import drop_empty_loops
from kitchen.ir.program import Program
from kitchen.ir.spec import Registry

Rewrite = Callable[[Program, Registry], Program]

REWRITES: tuple[Rewrite, ...] = (
    fold_constants,  # parameters and arithmetic first: they decide which branches are known
    fold_branches,  # before loops: what a branch no longer changes, a loop need not carry
    drop_empty_loops,  # before anything moves: nothing is to be moved out of a loop that never runs
    hoist_invariants,  # before merging: copies that leave different loops meet outside
    merge_duplicates,  # what it leaves unread is dead
    eliminate_dead,  # last: everything above makes dead steps
)

__all__ = [
    "REWRITES",
    "Rewrite",
    "drop_empty_loops",
    "eliminate_dead",
    "fold_branches",
    "fold_constants",
    "hoist_invariants",
    "merge_duplicates",
]
