"""The losses a training adapter may offer: what each needs of a batch, and its settings.

Thresholds are absolute, as in the Tinker API: the ratio 0.8 is written `0.8`, not `0.2`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kitchen.runtime.ports import AdapterError, LossOptions


@dataclass(frozen=True, slots=True)
class LossSpec:
    """Columns a loss needs beside the tokens, and its settings with their defaults."""

    columns: tuple[str, ...]
    settings: Mapping[str, float]


_SAMPLED = ("targets", "logprobs", "advantages")
LOSSES: Mapping[str, LossSpec] = {
    "cross_entropy": LossSpec(("targets", "weights"), {}),
    "tempered_cross_entropy": LossSpec(("targets", "weights"), {"temperature": 1.0}),
    "importance_sampling": LossSpec(_SAMPLED, {}),
    "ppo": LossSpec(_SAMPLED, {"clip_low_threshold": 0.8, "clip_high_threshold": 1.2}),
    "cispo": LossSpec(_SAMPLED, {"clip_low_threshold": 0.0, "clip_high_threshold": 4.0}),
    "dro": LossSpec(_SAMPLED, {"beta": 0.05}),
}


def loss_settings(options: LossOptions) -> dict[str, float]:
    """All settings of a loss, defaults filled in; raises AdapterError for an unknown name."""
    spec = LOSSES.get(options.name)
    if spec is None:
        raise AdapterError(
            f"there is no loss `{options.name}`", help=f"use one of {', '.join(LOSSES)}"
        )
    for name in options.config:
        if name not in spec.settings:
            known = ", ".join(f"`{setting}`" for setting in spec.settings) or "it has none"
            raise AdapterError(
                f"loss `{options.name}` has no setting `{name}`", help=f"its settings: {known}"
            )
    settings = {**spec.settings, **options.config}
    _require_sound(options.name, settings)
    return settings


def _require_sound(name: str, settings: Mapping[str, float]) -> None:
    """Raise AdapterError for settings under which a loss says nothing of what it is given."""
    if settings.get("temperature", 1.0) <= 0:
        raise AdapterError(
            f"loss `{name}` has the temperature {settings['temperature']:g}",
            help="a temperature is above 0; 1 leaves the distribution as it is",
        )
    low, high = settings.get("clip_low_threshold", 0.0), settings.get("clip_high_threshold", 1.0)
    if not 0 <= low <= 1 <= high:
        raise AdapterError(
            f"loss `{name}` holds ratios between {low:g} and {high:g}, and 1 is not there",
            help="thresholds are absolute, and 1 is a model that has not changed: "
            "0.2 above it is `clip_high_threshold: 1.2`",
        )


def require_columns(name: str, columns: Iterable[str]) -> None:
    """Raise AdapterError for a column that a loss needs and a batch does not have."""
    given = set(columns)
    for column in LOSSES[name].columns:
        if column not in given:
            needed = ", ".join(f"`{needed}`" for needed in LOSSES[name].columns)
            raise AdapterError(
                f"loss `{name}` needs the column `{column}`, and the batch has none",
                help=f"give every token {needed}",
            )
