"""The problems of the package `reasoning-gym`: about a hundred families, each with a verifier.

This module declares the adapter and imports nothing of the package, which runs in a process of its
own: a verifier that hangs is ended with it, and one that would run an answer as code is stopped.
"""

from __future__ import annotations

from typing import Any

from kitchen.runtime.adapter import Adapter
from kitchen.runtime.config import Config, setting


class ReasoningGymConfig(Config):
    """Which family of problems, and how hard."""

    task: str = setting(doc="a family of problems, such as `basic_arithmetic` or `leg_counting`")
    options: dict[str, Any] = setting(default={}, doc="of the family, as the package has them")
    timeout: float = setting(default=10.0, above=0, doc="seconds a verifier may take")
    instruction: str = setting(default="", doc="what follows each question")


ENVIRONMENT = Adapter(
    port="environment",
    name="reasoning_gym",
    target="kitchen.runtime.adapters.reasoning_gym.environment:ReasoningGym",
    config=ReasoningGymConfig,
    doc="Problems of the package `reasoning-gym`, judged by its verifiers: one turn.",
)
