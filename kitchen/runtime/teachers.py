"""The values of distillation: teachers, what they hold likely, and how far a student is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kitchen.ir.frozen import frozen
from kitchen.runtime.values import Artifact, Handle, Record, Session

if TYPE_CHECKING:
    import numpy as np


class Teachers(Handle):
    """Models that are asked and never trained, each with its share of the say.

    They are what they were opened as, so a resumed run opens them again and no checkpoint holds
    their weights.
    """

    def __init__(self, sessions: tuple[Session, ...], shares: tuple[float, ...]) -> None:
        self.sessions, self.shares = sessions, shares


@frozen(eq=False)
class SoftTargets(Artifact):
    """The tokens that teachers hold likely, for each trained token of a data set, in its order.

    ids (R, K) int32; chances (R, K) float32, which sum to 1 over a row: several teachers stand side
    by side, each with its share. negentropy (R, N) float64 is sum q log q of each teacher, times
    its share: what a cross-entropy lacks to be a divergence.
    """

    digest: str  #: of the tokens they are for
    temperature: float
    ids: np.ndarray
    chances: np.ndarray
    negentropy: np.ndarray


@frozen
class Distance(Record):
    """How far a student is from its teachers: the divergence in nats, a mean over tokens.

    `kl` is the mean of those from each teacher, weighted by their shares.
    """

    kl: float
    tokens: int
    by_teacher: tuple[float, ...]
