"""How an adapter declares itself, so that it can be checked without being imported."""

from __future__ import annotations

import importlib
from typing import Any

from kitchen.ir.frozen import frozen
from kitchen.ir.spec import AdapterSpec
from kitchen.runtime.config import Config, settings_of
from kitchen.runtime.ports import Workspace


class NoConfig(Config):
    """An adapter without settings."""


@frozen(kw_only=True)
class Adapter:
    """An adapter of a port: its settings, what it can do, and where its class is.

    The module that holds this declaration imports nothing heavy; `target` ("module:Class") is
    imported when a run binds it, and called as `Class(config, workspace)`. One that remembers what
    it is given no longer than its process says that it is not `shared`.
    """

    port: str
    name: str
    target: str
    config: type[Config] = NoConfig
    capabilities: frozenset[str] = frozenset()
    shared: bool = True
    doc: str = ""

    @property
    def spec(self) -> AdapterSpec:
        return AdapterSpec(
            port=self.port,
            name=self.name,
            config=settings_of(self.config),
            capabilities=self.capabilities,
            shared=self.shared,
            doc=self.doc,
        )

    def bind(self, settings: dict[str, Any], workspace: Workspace) -> Any:
        """Import the adapter's class and make one."""
        module, _, attribute = self.target.partition(":")
        cls = getattr(importlib.import_module(module), attribute)
        return cls(self.config(**settings), workspace)
