"""Data sets and blobs in files on this machine.

This module declares the adapters and imports nothing heavy; what they do is in the modules beside
it, which are imported when a run binds them.
"""

from __future__ import annotations

from kitchen.runtime.adapter import Adapter

DATASETS = Adapter(
    port="datasets",
    name="files",
    target="kitchen.runtime.adapters.files.datasets:FileDatasets",
    doc=(
        "Reads jsonl, csv, parquet, arrow and yml files; paths are relative to the recipe, may be "
        "patterns (`data/*.jsonl`), or lie in an installed package (`package:NAME/PATTERN`)."
    ),
)

BLOBS = Adapter(
    port="blobs",
    name="files",
    target="kitchen.runtime.adapters.files.blobs:FileBlobs",
    doc="Keeps blobs under `blobs/` in the run's folder.",
)
