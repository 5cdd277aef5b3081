"""Metrics in Parquet files.

This module declares the adapter and imports nothing heavy; what it does is in the module beside it,
which is imported when a run binds it.
"""

from __future__ import annotations

from kitchen.runtime.adapter import Adapter

METRICS = Adapter(
    port="metrics",
    name="parquet",
    target="kitchen.runtime.adapters.parquet.metrics:ParquetMetrics",
    doc="Keeps metrics under `metrics/` in the run's folder, readable while the run goes on.",
)
