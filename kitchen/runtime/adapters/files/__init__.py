"""Data sets, blobs, feedback, registered models and problems in files on this machine.

This module declares the adapters and imports nothing heavy; what they do is in the modules beside
it, which are imported when a run binds them.
"""

from __future__ import annotations

from kitchen.runtime.adapter import Adapter
from kitchen.runtime.config import Config, setting

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


class FeedbackConfig(Config):
    """Which file, and which ratings mean bad and good in it."""

    path: str = setting(doc="a jsonl file, relative to the recipe's folder")
    worst: float = setting(default=0.0, doc="the rating of a bad answer")
    best: float = setting(default=1.0, doc="the rating of a good answer")


FEEDBACK = Adapter(
    port="feedback",
    name="files",
    target="kitchen.runtime.adapters.files.feedback:FileFeedback",
    config=FeedbackConfig,
    doc="Keeps judgements of answers in a jsonl file, one a line.",
)


class RegistryConfig(Config):
    """Where models are kept."""

    folder: str = setting(default="registry", doc="relative to the recipe's folder")


REGISTRY = Adapter(
    port="registry",
    name="files",
    target="kitchen.runtime.adapters.files.registry:FileRegistry",
    config=RegistryConfig,
    doc="Keeps versions of models in a folder, each with a copy of its weights.",
)


class RowsConfig(Config):
    """Which rows are problems."""

    path: str = setting(doc="files of rows with a prompt, as `datasets: files` finds them")
    holdout: float = setting(default=0.1, above=0, below=1, doc="share of the rows held out")


ENVIRONMENT = Adapter(
    port="environment",
    name="rows",
    target="kitchen.runtime.adapters.files.environment:FileQuestions",
    config=RowsConfig,
    doc="Poses the prompts of data files: reward 1 for the answer that is in the row, one turn.",
)
