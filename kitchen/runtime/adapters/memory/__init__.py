"""Blobs and registered models in this process's memory.

This module declares the adapters; what they do is in the modules beside it.
"""

from __future__ import annotations

from kitchen.runtime.adapter import Adapter

BLOBS = Adapter(
    port="blobs",
    name="memory",
    target="kitchen.runtime.adapters.memory.blobs:MemoryBlobs",
    shared=False,
    doc="Keeps blobs in memory, until the process ends.",
)

REGISTRY = Adapter(
    port="registry",
    name="memory",
    target="kitchen.runtime.adapters.memory.registry:MemoryRegistry",
    shared=False,
    doc="Remembers versions of models until the process ends; their weights stay where they are.",
)
