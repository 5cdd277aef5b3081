"""What a run found in a world that goes on changing, kept so that it finds the same again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from kitchen.runtime.ports import DataError, Workspace


def remembered(
    workspace: Workspace, name: str, find: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """What is found, or what was found the first time in this run, as JSON holds it.

    A run that is killed may have changed what it looked at: it has registered a model, say. When it
    goes on, from its beginning even, it is to decide as it did.
    """
    if workspace.run is None:
        raise DataError("nothing is being run, so there is no folder to write to", help="run it")
    path = workspace.run / "decisions" / f"{name}.json"
    if not path.is_file():
        from kitchen.runtime.store import commit_file

        commit_file(path, json.dumps(find(), indent=1, ensure_ascii=False).encode() + b"\n")
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found
