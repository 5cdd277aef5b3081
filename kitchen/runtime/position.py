"""Positions in a program: where a run can be left, and entered again."""

from __future__ import annotations

from typing import NamedTuple

#: A frame's number when its op is done; otherwise the last iteration done, or the arm taken.
DONE = -1


class Frame(NamedTuple):
    """One level of a position: an op, and how far it is."""

    op: str
    number: int


Position = tuple[Frame, ...]
