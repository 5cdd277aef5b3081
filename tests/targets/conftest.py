"""Task graphs of every kind, for whoever runs or exports them.

`site/` is an installed package: `pantry`, with small stages. A process finds it where `PYTHONPATH`
has that folder (`environment()` of `cases.py`), this one with the fixture `pantry`. `recipes/`
holds a recipe for each construct; `cases.py` lists them, with the settings to run them with.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kitchen.runtime import plugins
from tests.targets.cases import SITE


@pytest.fixture
def pantry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package `pantry` is installed while a test runs."""
    monkeypatch.syspath_prepend(SITE)
    plugins._groups.cache_clear()
    yield
    plugins._groups.cache_clear()
