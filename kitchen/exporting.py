"""An export on its way to a folder: compiled, emitted, written whole or not at all."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path, PurePath
from typing import Any

from kitchen.compiler.export import PLAN, Export, export_program
from kitchen.compiler.targets import TARGETS
from kitchen.ir.diagnostic import CompileError, Diagnostic
from kitchen.ir.frozen import frozen
from kitchen.ir.program import Program
from kitchen.ir.serde import digest
from kitchen.ir.serde.plan import plan_bytes, plan_to_json
from kitchen.ir.source import Source
from kitchen.ir.task_graph import TaskGraph
from kitchen.loaded import Loaded
from kitchen.runtime.manifest import (
    MANIFEST,
    Manifest,
    ManifestFile,
    StorageError,
    read_manifest,
    sha256_of,
)
from kitchen.runtime.store import commit_folder


@frozen(kw_only=True)
class Written:
    """An export in its folder. `replaced` is the plan that was there before, if one was.

    `changes` says of each file of the old and the new export whether it is new, gone or changed.
    """

    folder: Path
    export: Export
    manifest: Manifest
    replaced: str | None
    changes: Mapping[str, str]


def export_to(loaded: Loaded, target: str, folder: Path) -> Written:
    """Export a recipe to a folder.

    Raises CompileError for a recipe or a folder that will not do, StorageError for a disk.
    """
    place = folder.resolve()
    before = _before(place, folder)
    export = exported(loaded, target, seen_from(place, loaded.path.resolve().parent))

    def fill(place: Path) -> None:
        for name, data in export.files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(data)

    manifest = commit_folder(place, fill, replace=before is not None)
    return Written(
        folder=folder,
        export=export,
        manifest=manifest,
        replaced=None if before is None else before[1],
        changes={} if before is None else _changes(before[0], manifest),
    )


def exported(loaded: Loaded, target: str, base: str) -> Export:
    """The files of an export, from a recipe; `base` is where its data is, seen from them.

    Raises CompileError with everything that keeps the recipe from being exported.
    """
    names = Names(loaded.path, loaded.registry.workflows)

    def plan(program: Program, graph: TaskGraph) -> bytes:
        recipe, overrides = loaded.source, loaded.overrides
        content = plan_to_json(
            program, graph, recipe=recipe, base=base, overrides=overrides, called=names
        )
        return plan_bytes(content)

    command = _command(loaded, target)
    compiled, installed = loaded.compiled(), loaded.registry
    return export_program(compiled, installed, TARGETS[target], plan, command=command, base=base)


def seen_from(export: Path, recipe: Path) -> str:
    """Where the recipe's folder is, seen from the export's: never a way through the root.

    >>> seen_from(Path("/w/out/argo"), Path("/w/recipes")), seen_from(Path("/tmp/o"), Path("/w"))
    ('../../recipes', '.')
    """
    if os.path.commonpath([recipe, export]) == recipe.root:
        return "."
    return PurePath(os.path.relpath(recipe, export)).as_posix()


class Names:
    """What documents are called in a plan: as they are seen from the recipe's folder.

    Nothing in them says where on this machine that folder is. A template that came with a package
    keeps its name; where two are called the same, the later has a number.
    """

    def __init__(self, recipe: Path, workflows: Iterable[str]) -> None:
        self.folder = recipe.parent
        self.shipped = {f"workflows/{name}.yaml" for name in workflows}
        self.known: dict[Source, str] = {}

    def __call__(self, source: Source) -> str:
        if source not in self.known:
            name = self._seen(source.name)
            taken = {*self.known.values()}
            numbers = count(2)
            while name in taken:
                name = f"{self._seen(source.name)}-{next(numbers)}"
            self.known[source] = name
        return self.known[source]

    def _seen(self, name: str) -> str:
        path = Path(name)
        if name in self.shipped or not path.is_file():
            return name
        seen = PurePath(os.path.relpath(path, self.folder))
        return path.name if seen.parts[0] == os.pardir else seen.as_posix()


def _command(loaded: Loaded, target: str) -> str:
    """How this is exported again, from the recipe's folder."""
    words = ["kitchen", "export", loaded.path.name, "--to", target]
    for name, value in sorted(loaded.overrides.items()):
        words += ["--set", f"{name}={value}"]
    return shlex.join(words)


# -------------------------------------------------------------------------------- what was there


def _before(place: Path, shown: Path) -> tuple[Manifest, str] | None:
    """An export that is in a folder already, with its plan. Raises CompileError for other things.

    What was written there by hand would be lost, so it is looked for, too.
    """
    if place == Path.cwd():
        raise _occupied(shown, "it is the folder that you are in", "name a folder of its own")
    if not place.exists() or (place.is_dir() and next(place.iterdir(), None) is None):
        return None
    if not place.is_dir():
        raise _occupied(shown, "it is a file", "name a folder that is new or empty")
    plan = _plan_in(place)
    if plan is None:
        raise _occupied(shown, "it holds something else", "name a folder that is new or empty")
    manifest = read_manifest(place)
    known = {file.path for file in manifest.files} | {MANIFEST}
    found = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    more = sorted(found - known)
    if more:
        what = f"`{more[0]}` in it is none of an export's files"
        raise _occupied(shown, what, "move it elsewhere, or name another folder")
    edited = [file.path for file in manifest.files if not _is_whole(place / file.path, file)]
    if edited:
        what = f"`{edited[0]}` in it was changed since it was written"
        help = "change the recipe instead; remove the folder to lose what was changed"
        raise _occupied(shown, what, help)
    return manifest, plan


def _is_whole(path: Path, file: ManifestFile) -> bool:
    return path.is_file() and sha256_of(path) == file.sha256


def _plan_in(place: Path) -> str | None:
    """The digest of the plan of an export in a folder; None where there is no export."""
    try:
        read_manifest(place)
        content: Any = json.loads((place / PLAN).read_bytes())
    except (StorageError, OSError, ValueError, RecursionError):
        return None
    if not (isinstance(content, dict) and content.keys() >= {"tasks", "digest"}):
        return None
    return str(content["digest"])


def _occupied(folder: Path, why: str, help: str) -> CompileError:
    message = f"`{folder}` cannot be exported to: {why}"
    return CompileError([Diagnostic("K550", message, None, (), help)])


def _changes(old: Manifest, new: Manifest) -> dict[str, str]:
    before = {file.path: file.sha256 for file in old.files}
    after = {file.path: file.sha256 for file in new.files}
    told = {
        path: "gone" if path not in after else "new" if path not in before else "changed"
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    }
    return told


def facts(written: Written) -> dict[str, Any]:
    """What was written, for scripts."""
    from kitchen.ir.formats import render_json

    return {
        "version": 1,
        "recipe": written.export.program.name,
        "digest": digest(written.export.program),
        "folder": str(written.folder),
        "tasks": sum(1 for _ in written.export.graph.tasks()),
        "files": [
            {"path": file.path, "size": file.size, "sha256": file.sha256}
            for file in written.manifest.files
        ],
        "whole": dict(written.export.whole),
        "replaced": written.replaced,
        "changes": dict(written.changes),
        "diagnostics": render_json(written.export.diagnostics),
    }
