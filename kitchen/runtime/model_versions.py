"""What every registry of models asks of names and weights, and when a version is a new one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kitchen.runtime.manifest import StorageError, read_manifest, verify_folder
from kitchen.runtime.ports import AdapterError, ModelVersion
from kitchen.runtime.values import Weights

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def require_model_name(name: str) -> str:
    """The name, if a model may be called so."""
    if NAME.fullmatch(name):
        return name
    raise AdapterError(
        f"{name!r} is no name of a model",
        help="a name is of `A-Z a-z 0-9 . _ -`, and begins with a letter or a digit",
    )


def require_unchanged(weights: Weights, folder: Path) -> None:
    """Refuse weights that are not, byte for byte, those that were saved."""
    try:
        found = read_manifest(folder)
        faults = verify_folder(folder, hashes=True)
    except StorageError as cause:
        raise AdapterError(f"`{folder}` holds no saved weights", help=cause.help) from cause
    if faults or found.digest != weights.digest:
        raise AdapterError(
            f"the weights in `{folder}` are not those that were saved there",
            help="save them again, and register what was saved",
        )


def require_version(versions: Sequence[ModelVersion], name: str, version: int) -> None:
    """Refuse a version that was never registered."""
    if version not in (known.version for known in versions):
        raise AdapterError(
            f"`{name}` has no version {version}", help="register it, or name one that is there"
        )


def known_already(versions: Sequence[ModelVersion], described: ModelVersion) -> bool:
    """Whether the latest version is this one, but for its number and place."""
    if not versions:
        return False
    latest = versions[-1]
    return latest == replace(described, version=latest.version, uri=latest.uri)
