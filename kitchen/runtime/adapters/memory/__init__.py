"""Blobs in this process's memory.

This module declares the adapter; what it does is in the module beside it.
"""

from __future__ import annotations

from kitchen.runtime.adapter import Adapter

BLOBS = Adapter(
    port="blobs",
    name="memory",
    target="kitchen.runtime.adapters.memory.blobs:MemoryBlobs",
    doc="Keeps blobs in memory, until the process ends.",
)
