"""Stages, adapters and workflows as they are installed: listed by name, loaded when named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from kitchen.ir.source import Source
from kitchen.ir.spec import AdapterSpec, Registry, StageSpec
from kitchen.runtime.adapter import Adapter
from kitchen.runtime.entry_points import EntryPoint, entry_points

T = TypeVar("T")

STAGES, ADAPTERS, WORKFLOWS = "kitchen.stages", "kitchen.adapters.", "kitchen.workflows"


class PluginError(Exception):
    """Two packages give the same name, or what a package names is not there."""


class Named(Mapping[str, T]):
    """Names with what each stands for, loaded when it is first asked for."""

    def __init__(self, found: Mapping[str, EntryPoint], load: Callable[[EntryPoint], T]) -> None:
        self._found, self._load = found, load
        self._loaded: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._loaded:
            found = self._found[name]
            try:
                self._loaded[name] = self._load(found)
            except (ImportError, AttributeError, TypeError) as cause:
                given = f"`{name}`, which {found.package} gives as `{found.value}`"
                raise PluginError(f"{given}, cannot be loaded: {cause}") from cause
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


@cache
def _groups() -> Mapping[str, Mapping[str, EntryPoint]]:
    """Every group of ours, with its entries by name. Raises PluginError for a name given twice."""
    groups: dict[str, dict[str, EntryPoint]] = {}
    for found in entry_points("kitchen."):
        group = groups.setdefault(found.group, {})
        other = group.get(found.name)
        if other is not None and other.value != found.value:
            raise PluginError(
                f"two packages give `{found.name}` in `{found.group}`: "
                f"{other.package} and {found.package}"
            )
        group[found.name] = found
    return groups


def functions() -> Mapping[str, Any]:
    """The functions of the installed stages."""
    return Named(_groups().get(STAGES, {}), lambda found: found.load())


def adapters() -> Mapping[str, Mapping[str, Adapter]]:
    """The installed adapters of each port."""
    return {
        group.removeprefix(ADAPTERS): Named(found, lambda entry: _adapter(entry))
        for group, found in _groups().items()
        if group.startswith(ADAPTERS)
    }


def _adapter(found: EntryPoint) -> Adapter:
    loaded = found.load()
    if not isinstance(loaded, Adapter):
        raise PluginError(f"`{found.value}` is not an Adapter declaration")
    return loaded


def workflow_folders() -> Iterator[Path]:
    """Folders with workflow templates: ours, and those that packages name a function for."""
    yield shipped() / "workflows"
    for found in _groups().get(WORKFLOWS, {}).values():
        yield Path(found.load()())


def shipped() -> Path:
    """The folder of the recipes that come with kitchen: in the package, or beside it."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "recipes"
    return inside if inside.is_dir() else package.parent / "recipes"


class Workflows(Mapping[str, Source]):
    """Workflow templates by name, read when asked for."""

    def __init__(self) -> None:
        self._paths = {
            path.stem: path for folder in workflow_folders() for path in folder.glob("*.yaml")
        }

    def __getitem__(self, name: str) -> Source:
        path = self._paths[name]
        return Source(f"workflows/{path.name}", path.read_text(encoding="utf-8"))

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._paths))

    def __len__(self) -> int:
        return len(self._paths)


def installed() -> Registry:
    """Everything installed that a recipe may name."""
    stages: Mapping[str, StageSpec] = Named(
        _groups().get(STAGES, {}), lambda found: found.load().spec
    )
    return Registry(
        stages=stages,
        adapters={
            port: Named[AdapterSpec](named._found, lambda entry: _adapter(entry).spec)
            for port, named in adapters().items()
            if isinstance(named, Named)
        },
        workflows=Workflows(),
    )
