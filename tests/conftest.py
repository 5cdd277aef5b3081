"""What all tests share: goldens, torch on one thread, random tests that repeat."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

# Read by the OpenMP runtime when torch is first imported, so they are set before any test runs.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# No test reaches the network: what is not on this machine is not there.
os.environ["HF_HUB_OFFLINE"] = "1"
# A command's output must not depend on the terminal that the tests were started from.
os.environ.update(NO_COLOR="1", COLUMNS="100")
os.environ.pop("FORCE_COLOR", None)

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", deadline=None, max_examples=1_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


class GoldenFile(SingleFileSnapshotExtension):
    """One golden, one text file: `__snapshots__/<module>/<test>[<case>].<extension>`."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"

    def serialize(self, data: Any, **_: Any) -> str:
        """Text as it is; anything else as JSON, with its keys in the order given."""
        if isinstance(data, str):
            return data
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


GOLDEN_FILES = {
    extension: type(f"Golden{extension.title()}", (GoldenFile,), {"file_extension": extension})
    for extension in ("txt", "ir", "md", "diff", "json", "yaml", "svg", "html", "mmd", "dot")
}


class Golden(SnapshotAssertion):
    """A file that says what a result must be; `pytest --snapshot-update` writes it anew."""

    def __call__(  # type: ignore[override]
        self, extension: str = "txt", *, name: str | None = None
    ) -> SnapshotAssertion:
        """The golden with this file extension; `name` tells several of one test apart."""
        return super().__call__(extension_class=GOLDEN_FILES[extension], name=name)


@pytest.fixture
def golden(snapshot: SnapshotAssertion) -> Golden:
    """What a test compares with: `assert text == golden`, `assert text == golden("ir")`."""
    return Golden(
        session=snapshot.session,
        extension_class=GOLDEN_FILES["txt"],
        test_location=snapshot.test_location,
        update_snapshots=snapshot.update_snapshots,
        update_new_snapshots_only=snapshot.update_new_snapshots_only,
    )
